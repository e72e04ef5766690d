import { parseContentRange, parseLength } from './content-range.ts';
import type { BodySink, ResponseHead } from './http-exchange.ts';
import type { HttpLimits } from './http-limits.ts';
import type { HttpLocation } from './http-location.ts';
import { changed, HttpObject, misbehaved, refuseEncoding } from './http-object.ts';
import { withRetries } from './retries.ts';
import { SourceFailed } from './source-failed.ts';
import { difference, identityOf, isVerifiable, type SourceIdentity } from './source-identity.ts';
import { describeUri } from './source-uri.ts';
import { SpoolFile, type SpoolOptions } from './spool-file.ts';
import { isUsable, readSpoolRecord, type SpoolRecord } from './spool-record.ts';
import { WholeBody } from './whole-body.ts';

/** The first request asks for this much: every format is told by it, and small files are read with one request. */
const HEAD_BYTES = 1024 * 1024;

export interface FirstAnswerOptions {
  readonly location: HttpLocation;
  readonly limits: HttpLimits;
  readonly closed: AbortSignal;
  readonly spoolPath: string;
  /** What the object was in an earlier run; another one fails. */
  readonly expected: SourceIdentity | undefined;
  /**
   * Called when the server turns out to give the file only as a whole, before the copy begins, with the length of the
   * file if the server tells it.
   */
  readonly onSpooling: (sizeBytes: number | undefined) => void;
}

/** How the object can be read: by ranges, its first bytes being here already, or from a copy just made. */
export type FirstAnswer =
  | {
      readonly how: 'ranges';
      readonly object: HttpObject;
      readonly head: Uint8Array;
      /** The record of a copy, whole or in part, that an earlier run left and that is still true. */
      readonly kept: SpoolRecord | undefined;
    }
  | { readonly how: 'copy'; readonly identity: SourceIdentity; readonly spool: SpoolFile };

/** The length of the object in bytes. */
export function sizeOf(answer: FirstAnswer): number {
  return answer.how === 'copy' ? answer.spool.appendedBytes : answer.object.sizeBytes;
}

type Answer =
  | { readonly how: 'ranges'; readonly object: HttpObject; readonly head: HeadBytes }
  | { readonly how: 'copy'; readonly identity: SourceIdentity; readonly body: WholeBody }
  | { readonly how: 'kept'; readonly record: SpoolRecord }
  | { readonly how: 'ask-whole' };

/**
 * Asks for the beginning of the object. The request is a GET with a range, never a HEAD: pre-signed addresses are
 * signed for one method. A server that answers with the whole file, whatever its reason, has it copied to the spool.
 *
 * A server that gives ranges but neither ETag nor Last-Modified is asked for the whole as well: its ranges could be of
 * different versions, and nothing would tell.
 */
export async function askFirst(options: FirstAnswerOptions): Promise<FirstAnswer> {
  const kept = await readSpoolRecord(options.spoolPath);
  if (kept?.complete && options.expected !== undefined && isSameRun(kept.identity, options.expected)) {
    return await openKept(options, kept);
  }
  let wholeOnly = false;
  const attempt = async (): Promise<FirstAnswer> => {
    const answer = await askOnce(options, kept, wholeOnly);
    if (answer.how === 'ask-whole') {
      wholeOnly = true;
      return await attempt();
    }
    if (answer.how === 'ranges') {
      const continued = kept !== undefined && isUsable(kept, answer.object.identity) ? kept : undefined;
      return { how: 'ranges', object: answer.object, head: answer.head.bytes, kept: continued };
    }
    if (answer.how === 'kept') return await openKept(options, answer.record);
    const spool = await answer.body.finish();
    const identity = { ...answer.identity, sizeBytes: spool.appendedBytes };
    // A body in chunks tells its length only now.
    const how = difference(answer.identity, identity) ?? difference(options.expected ?? identity, identity);
    if (how === undefined) return { how: 'copy', identity, spool };
    await spool.close();
    throw changed(options.location, how);
  };
  return await withRetries(attempt, { limits: options.limits, signal: options.closed });
}

/**
 * Whether a whole copy is the one that the earlier run read from. Then the server is not asked at all: the run goes on
 * with the version it began with, also when nothing could prove to a later answer that it is the same.
 */
function isSameRun(kept: SourceIdentity, expected: SourceIdentity): boolean {
  return kept.url === expected.url && kept.sizeBytes === expected.sizeBytes && difference(kept, expected) === undefined;
}

async function openKept(options: FirstAnswerOptions, kept: SpoolRecord): Promise<FirstAnswer> {
  const spool = await SpoolFile.open({ ...spoolOptions(options, kept.identity), kept });
  return { how: 'copy', identity: kept.identity, spool };
}

async function askOnce(
  options: FirstAnswerOptions,
  kept: SpoolRecord | undefined,
  wholeOnly: boolean,
): Promise<Answer> {
  const headers: Record<string, string> = wholeOnly ? {} : { range: `bytes=0-${HEAD_BYTES - 1}` };
  const seen: { answer?: Answer } = {};
  try {
    await options.location.get({ headers, signal: undefined }, (head) => {
      const { answer, sink } = readHead(options, head, kept, wholeOnly);
      seen.answer = answer;
      return sink;
    });
  } catch (error) {
    // The object is known and some of its bytes are here: the rest is asked for when it is wanted.
    const going = error instanceof SourceFailed && error.transient;
    if (going && seen.answer?.how === 'ranges') return seen.answer;
    if (seen.answer?.how === 'copy') await seen.answer.body.abandon();
    throw error;
  }
  if (seen.answer === undefined) throw misbehaved(options.location, 'The server gave no answer.');
  return seen.answer;
}

function readHead(
  options: FirstAnswerOptions,
  head: ResponseHead,
  kept: SpoolRecord | undefined,
  wholeOnly: boolean,
): { answer: Answer; sink?: BodySink } {
  const { location } = options;
  refuseEncoding(location, head);
  if (head.status === 200) return readWhole(options, head, kept);
  const range = parseContentRange(head.headers.get('content-range'));
  if (head.status === 416 && range?.totalBytes === 0) return readEmpty(options, head);
  if (wholeOnly)
    throw misbehaved(location, `The server answered with status ${head.status} though no range was asked for.`);
  if (head.status === 416) return { answer: { how: 'ask-whole' } };
  const totalBytes = range?.totalBytes;
  const wanted = totalBytes === undefined ? HEAD_BYTES : Math.min(HEAD_BYTES, totalBytes);
  if (head.status !== 206 || range?.offset !== 0 || range.length > wanted) {
    throw misbehaved(location, 'The server answered with another range than the one asked for.');
  }
  if (totalBytes === undefined || range.length < wanted) return { answer: { how: 'ask-whole' } };
  const identity = identityOf(location.first, head, { sizeBytes: totalBytes, ranges: true });
  accept(options, identity);
  if (!isVerifiable(identity)) return { answer: { how: 'ask-whole' } };
  const bytes = new HeadBytes(wanted, location);
  return {
    answer: { how: 'ranges', object: new HttpObject(location, identity, totalBytes), head: bytes },
    sink: bytes,
  };
}

function readWhole(
  options: FirstAnswerOptions,
  head: ResponseHead,
  kept: SpoolRecord | undefined,
): { answer: Answer; sink?: BodySink } {
  const sizeBytes = parseLength(head.headers.get('content-length'));
  if (sizeBytes === undefined && head.headers.get('transfer-encoding') === undefined) {
    const reason = 'The server tells neither the length of the file nor where it ends, so a part could pass for it.';
    throw misbehaved(options.location, reason);
  }
  const identity = identityOf(options.location.first, head, { sizeBytes, ranges: false });
  accept(options, identity);
  if (kept !== undefined && isUsable(kept, identity)) return { answer: { how: 'kept', record: kept } };
  options.onSpooling(sizeBytes);
  const body = new WholeBody(spoolOptions(options, identity));
  return { answer: { how: 'copy', identity, body }, sink: body };
}

function readEmpty(options: FirstAnswerOptions, head: ResponseHead): { answer: Answer } {
  const identity = identityOf(options.location.first, head, { sizeBytes: 0, ranges: false });
  accept(options, identity);
  return { answer: { how: 'copy', identity, body: new WholeBody(spoolOptions(options, identity)) } };
}

function spoolOptions({ spoolPath, limits }: FirstAnswerOptions, identity: SourceIdentity): SpoolOptions {
  return { path: spoolPath, identity, maxBytes: limits.maxBytes, minFreeBytes: limits.minFreeBytes };
}

function accept(options: FirstAnswerOptions, identity: SourceIdentity): void {
  const { location, expected, limits } = options;
  if (identity.sizeBytes !== undefined && identity.sizeBytes > limits.maxBytes) {
    throw new SourceFailed({
      kind: 'too-big',
      url: describeUri(location.first),
      reason: `The file at the source has ${identity.sizeBytes} bytes; at most ${limits.maxBytes} are read.`,
    });
  }
  if (expected === undefined) return;
  const how = difference(expected, identity);
  if (how !== undefined) throw changed(location, how);
  if (!isVerifiable(identity)) {
    throw changed(
      location,
      'cannot be shown to be the one from before: the server gives neither ETag nor Last-Modified.',
    );
  }
}

/** Collects the first bytes; what came before a broken connection counts. */
class HeadBytes implements BodySink {
  readonly #target: Uint8Array;
  readonly #location: HttpLocation;
  #filled = 0;

  constructor(length: number, location: HttpLocation) {
    this.#target = new Uint8Array(length);
    this.#location = location;
  }

  get bytes(): Uint8Array {
    return this.#target.subarray(0, this.#filled);
  }

  write(chunk: Uint8Array): undefined {
    if (this.#filled + chunk.length > this.#target.length) {
      throw misbehaved(this.#location, 'The server sent more bytes than it announced.');
    }
    this.#target.set(chunk, this.#filled);
    this.#filled += chunk.length;
    return undefined;
  }
}
