import type { Pace } from '../lib/pace.ts';
import type { IndexedEntry } from './chunk-rows.ts';
import { planPackReads } from './read-chunks.ts';
import { SpareMemory } from './spare-memory.ts';
import type { Store } from './store.ts';

/** What one read of a pack brought. Its bytes are good until the next one. */
export interface VerifiedRead {
  /** Entries whose bytes are the ones that were stored, with their encoded bytes. */
  readonly good: readonly { readonly entry: IndexedEntry; readonly encoded: Uint8Array }[];
  readonly corrupt: readonly { readonly entry: IndexedEntry; readonly fact: string }[];
  /** Read from the pack. */
  readonly bytes: number;
}

export interface ReadVerifiedOptions {
  readonly pace: Pace;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads entries of packs, a few megabytes at a time, and holds each against its id. What is corrupt is told, and
 * nothing is changed.
 *
 * @throws BlobFailed when a pack can't be read at all
 */
export async function* readVerified(
  store: Store,
  entries: readonly IndexedEntry[],
  { pace, signal }: ReadVerifiedOptions,
): AsyncIterable<VerifiedRead> {
  const memory = new SpareMemory();
  for (const { packId, offset, length, places } of planPackReads(entries)) {
    await pace.spend(length, signal);
    // Not from a copy: what is wanted is what the pack has.
    const into = memory.take(length);
    const bytes = await store.blobs.read(packId, offset, length, { signal, into, fresh: true });
    const read = places.map((entry) => {
      const start = entry.packOffset - offset;
      return { entry, encoded: bytes.subarray(start, start + entry.encodedLength) };
    });
    const items = read.map(({ entry: { id, encoding, plainLength }, encoded }) => {
      return { id, encoding, plainLength, encoded, parts: [] };
    });
    const output = await store.threads.run('decode', { items, target: new SharedArrayBuffer(0) });
    const facts = new Map(output.corrupt.map(({ item, fact }) => [item, fact]));
    yield {
      good: read.filter((_, index) => !facts.has(index)),
      corrupt: read.flatMap(({ entry }, index) => {
        const fact = facts.get(index);
        return fact === undefined ? [] : [{ entry, fact }];
      }),
      bytes: length,
    };
  }
}
