import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAddressPolicy } from '../src/sources/address-policy.ts';
import type { HttpLimits } from '../src/sources/http-limits.ts';
import { type HttpSourceOptions, openHttpSource } from '../src/sources/open-http-source.ts';
import type { Source } from '../src/sources/source.ts';
import { SourceFailed, type SourceFailure } from '../src/sources/source-failed.ts';

/** Loop-back is allowed, and retries wait for milliseconds. */
export const QUICK_LIMITS: Partial<HttpLimits> = { retryBaseMs: 1, retryCapMs: 4, maxRetryAfterMs: 4 };

/** A place to open sources in; sources and spools end with it. */
export interface SourceBench extends AsyncDisposable {
  readonly spoolPath: string;
  open(uri: string, options?: Partial<HttpSourceOptions>): Promise<Source>;
  /** Opens a source that cannot be opened, or whose `use` fails, and gives the failure. */
  failure(uri: string, options?: Partial<HttpSourceOptions>, use?: (source: Source) => unknown): Promise<SourceFailed>;
}

export async function openSourceBench(): Promise<SourceBench> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-sources-'));
  const spoolPath = join(directory.path, 'spool');
  const opened: Source[] = [];
  const open = async (uri: string, options: Partial<HttpSourceOptions> = {}) => {
    const policy = options.policy ?? createAddressPolicy({ allow: ['127.0.0.0/8', '::1'] });
    const limits = { ...QUICK_LIMITS, ...options.limits };
    const source = await openHttpSource({ spoolPath, ...options, uri, policy, limits });
    opened.push(source);
    return source;
  };
  return {
    spoolPath,
    open,
    async failure(uri, options, use) {
      try {
        await using source = await open(uri, options);
        await use?.(source);
      } catch (error) {
        assert.ok(error instanceof SourceFailed, String(error));
        return error;
      }
      throw new assert.AssertionError({ message: 'It was to fail, and did not.' });
    },
    async [Symbol.asyncDispose]() {
      for (const source of opened) await source[Symbol.asyncDispose]();
      await directory.remove();
    },
  };
}

/** Asserts what a failure is and says, and that it says no secret. */
export function assertFailure(failure: SourceFailed, kind: SourceFailure, says: RegExp): void {
  assert.equal(failure.kind, kind, failure.message);
  assert.match(failure.message, says);
  assert.doesNotMatch(failure.message, /secret/);
}
