import type { BlobReadOptions } from '../blobs/blob-store.ts';
import type { Pace } from '../lib/pace.ts';
import type { IndexedEntry } from './chunk-rows.ts';
import { type PackRead, planPackReads, readOf, readUnlessShort } from './read-chunks.ts';
import { SpareMemory } from './spare-memory.ts';
import type { Store } from './store.ts';

export interface GoodEntry {
  readonly entry: IndexedEntry;
  readonly encoded: Uint8Array;
}

export interface CorruptEntry {
  readonly entry: IndexedEntry;
  readonly fact: string;
}

/** What one read of a pack brought. Its bytes are good until the next one. */
export interface VerifiedRead {
  /** Entries whose bytes are the ones that were stored, with their encoded bytes. */
  readonly good: readonly GoodEntry[];
  readonly corrupt: readonly CorruptEntry[];
  /** Read from the pack. */
  readonly bytes: number;
}

export interface ReadVerifiedOptions {
  readonly pace: Pace;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads entries of packs, a few megabytes at a time, and holds each against its id. What does not match is read again, alone;
 * what does not match then is told as corrupt, and nothing is changed.
 *
 * @throws BlobFailed when a pack can't be read at all
 */
export async function* readVerified(
  store: Store,
  entries: readonly IndexedEntry[],
  { pace, signal }: ReadVerifiedOptions,
): AsyncIterable<VerifiedRead> {
  const memory = new SpareMemory();
  for (const read of planPackReads(entries)) {
    await pace.spend(read.length, signal);
    const first = await readOnce(store, read, { signal, into: memory.take(read.length) });
    const { good, corrupt: suspects, isShort } = first;
    const corrupt: CorruptEntry[] = [];
    for (const { entry } of suspects) {
      // Bytes that were changed on their way only must not cost an image.
      await pace.spend(entry.encodedLength, signal);
      const again = await readOnce(store, readOf(entry), { signal });
      good.push(...again.good);
      corrupt.push(...again.corrupt);
    }
    // What lies before the end of a pack that was cut short is right when it is read alone, and was never wrong.
    if (corrupt.length < suspects.length && !isShort) {
      store.log.warn({ pack: read.packId }, 'the storage gave wrong bytes, and the right ones when asked again');
    }
    yield { good, corrupt, bytes: read.length };
  }
}

async function readOnce(
  store: Store,
  { packId, offset, length, places }: PackRead<IndexedEntry>,
  options: Pick<BlobReadOptions, 'signal' | 'into'>,
): Promise<{ good: GoodEntry[]; corrupt: CorruptEntry[]; isShort: boolean }> {
  // Not from a copy: what is wanted is what the pack has.
  const bytes = await readUnlessShort(store, { packId, offset, length }, { ...options, fresh: true });
  if (bytes === undefined) {
    const fact = `the pack has no ${length} bytes at ${offset}`;
    return { good: [], corrupt: places.map((entry) => ({ entry, fact })), isShort: true };
  }
  const read = places.map((entry) => {
    const start = entry.packOffset - offset;
    return { entry, encoded: bytes.subarray(start, start + entry.encodedLength) };
  });
  const items = read.map(({ entry: { id, encoding, plainLength }, encoded }) => {
    return { id, encoding, plainLength, encoded, parts: [] };
  });
  const output = await store.threads.run('decode', { items, target: new SharedArrayBuffer(0) });
  const facts = new Map(output.corrupt.map(({ item, fact }) => [item, fact]));
  return {
    good: read.filter((_, index) => !facts.has(index)),
    corrupt: read.flatMap(({ entry }, index) => {
      const fact = facts.get(index);
      return fact === undefined ? [] : [{ entry, fact }];
    }),
    isShort: false,
  };
}
