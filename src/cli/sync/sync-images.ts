import { Writable } from 'node:stream';
import { describeFailure } from '../report-failure.ts';
import { IndexFetcher } from './fetch-index.ts';
import type { ImageList } from './image-list.ts';
import { type FamilyResult, type SyncDeps, syncFamily } from './sync-family.ts';

/** Families at work at a time; how many imports run at once is for the service to say. */
const familiesAtOnce = 4;

/**
 * Brings every family of the list up to date, and returns a result for each, in the list's order. What goes wrong with a
 * family is in its result and keeps no other from its turn. Throws the signal's reason.
 */
export async function syncImages(
  { families, origins }: ImageList,
  { session, ...options }: Pick<SyncDeps, 'session' | 'folderId' | 'dryRun'>,
): Promise<FamilyResult[]> {
  await using fetcher = new IndexFetcher({ origins, signal: session.signal });
  const results = new Map<string, FamilyResult>();
  const waiting = families.values();
  const lanes = Array.from({ length: familiesAtOnce }, async () => {
    for (const entry of waiting) {
      session.signal.throwIfAborted();
      const { family } = entry;
      const own = { ...session, terminal: { ...session.terminal, err: prefixed(session.terminal.err, family) } };
      try {
        results.set(family, await syncFamily(entry, { ...options, session: own, fetcher, origins }));
      } catch (error) {
        session.signal.throwIfAborted();
        const nothing = { version: '', image: undefined, deleted: [] };
        results.set(family, { family, outcome: 'failed', ...nothing, problem: describeFailure(error) });
      }
    }
  });
  await Promise.allSettled(lanes);
  session.signal.throwIfAborted();
  return families.flatMap(({ family }) => results.get(family) ?? []);
}

/** Lines of several families come between each other: each says whose it is. */
function prefixed(stream: NodeJS.WritableStream, family: string): NodeJS.WritableStream {
  return new Writable({
    write(chunk, _encoding, done) {
      stream.write(`${family}: ${chunk}`);
      done();
    },
  });
}
