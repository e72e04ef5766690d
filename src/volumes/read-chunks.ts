import { BlobFailed } from '../blobs/blob-failed.ts';
import type { BlobReadOptions } from '../blobs/blob-store.ts';
import { settleAll } from '../lib/settle-all.ts';
import { type ChunkId, chunkKey, hexOf } from './chunk-id.ts';
import { type ChunkPlace, findChunks } from './chunk-rows.ts';
import { MissingChunks } from './manifest-rows.ts';
import type { EntryKind } from './pack-format.ts';
import { quarantine } from './quarantine.ts';
import type { Store } from './store.ts';
import type { ChunkPart, DecodeItem } from './store-tasks.ts';

/** A part of a chunk, and where in the target it belongs. */
export interface WantedPart extends ChunkPart {
  readonly chunkId: ChunkId;
}

export interface ReadChunksOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Entries of a pack with less than this between them are one read of the blob. */
const maxGapBytes = 64 * 1024;
const maxReadBytes = 4 * 1024 * 1024;

/** Encoded bytes that one thread decodes at a time: enough to be worth the hand-over, little enough to share the work. */
const taskBytes = 512 * 1024;

/**
 * Reads the wanted parts into `target`. Every chunk is checked against its id; what does not match is read again; what
 * does not match then is quarantined, and the read fails: no byte of it reaches the target. Nothing is written to that any
 * more when it returns, or throws.
 *
 * @throws ChunkCorrupt, MissingChunks, BlobFailed
 */
export async function readChunks(
  store: Store,
  domainId: string,
  kind: EntryKind,
  wanted: readonly WantedPart[],
  target: SharedArrayBuffer,
  options: ReadChunksOptions = {},
): Promise<void> {
  const parts = Map.groupBy(wanted, ({ chunkId }) => chunkKey(chunkId));
  const ids = [...parts.values()].flatMap(([first]) => (first === undefined ? [] : [first.chunkId]));
  try {
    await readPlaces(store, domainId, kind, await locate(store, domainId, kind, ids), parts, target, options);
  } catch (error) {
    // A pack goes away only after its chunks have moved: the index knows where to by now.
    if (!(error instanceof BlobFailed) || error.failure !== 'missing') throw error;
    await readPlaces(store, domainId, kind, await locate(store, domainId, kind, ids), parts, target, options);
  }
}

async function locate(store: Store, domainId: string, kind: EntryKind, ids: readonly ChunkId[]): Promise<ChunkPlace[]> {
  const places = await findChunks(store.db.read, domainId, kind, ids);
  if (places.length === ids.length) return places;
  const found = new Set(places.map(({ id }) => chunkKey(id)));
  const missing = ids.filter((id) => !found.has(chunkKey(id))).map(hexOf);
  throw new MissingChunks(`${missing.length} ${kind}s are damaged or missing, among them ${missing[0]}`);
}

async function readPlaces(
  store: Store,
  domainId: string,
  kind: EntryKind,
  places: readonly ChunkPlace[],
  parts: ReadonlyMap<string, readonly WantedPart[]>,
  target: SharedArrayBuffer,
  options: ReadChunksOptions,
): Promise<void> {
  const readOut = async (read: PackRead, fresh = false): Promise<CorruptPlace[]> => {
    options.signal?.throwIfAborted();
    const { offset, length, places } = read;
    const memory = store.threads.memory.lend(length);
    const bytes = await readUnlessShort(store, read, { ...options, into: memory, fresh });
    if (bytes === undefined) {
      // What lies before the end of the pack may be good yet.
      if (places.length > 1) return (await settleAll(places.map((place) => readOut(readOf(place), fresh)))).flat();
      return places.map((place) => ({ place, fact: `the pack has no ${length} bytes at ${offset}` }));
    }
    const items = places.map((place) => ({
      place,
      item: {
        id: place.id,
        encoding: place.encoding,
        plainLength: place.plainLength,
        encoded: bytes.subarray(place.packOffset - offset, place.packOffset - offset + place.encodedLength),
        parts: (parts.get(chunkKey(place.id)) ?? []).map(({ chunkOffset, length, targetOffset }) => {
          return { chunkOffset, length, targetOffset };
        }),
      },
    }));
    const corrupt = await settleAll(share(items).map((some) => decodeItems(store, some, target)));
    store.threads.memory.giveBack(memory);
    return corrupt.flat();
  };
  const suspects = (await settleAll(planPackReads(places).map((read) => readOut(read)))).flat();
  // Once more, each alone and from no copy: bytes that were changed on their way only must not cost an image.
  const corrupt = (await settleAll(suspects.map(({ place }) => readOut(readOf(place), true)))).flat();
  if (corrupt.length < suspects.length) {
    const packs = [...new Set(suspects.map(({ place }) => place.packId))];
    store.log.warn({ packs, domain: domainId }, 'the storage gave wrong bytes, and the right ones when asked again');
  }
  // All of them, so that one import heals what one read has found.
  const [error] = await Promise.all(
    corrupt.map(({ place: { id, packId }, fact }) => quarantine(store, domainId, kind, { id, packId, fact })),
  );
  if (error !== undefined) throw error;
}

/** The bytes of the range; undefined when the pack ends before: a part of it was lost. */
export async function readUnlessShort(
  store: Store,
  { packId, offset, length }: Pick<PackRead, 'packId' | 'offset' | 'length'>,
  options: BlobReadOptions,
): Promise<Uint8Array<SharedArrayBuffer> | undefined> {
  try {
    return await store.blobs.read(packId, offset, length, options);
  } catch (error) {
    if (error instanceof BlobFailed && error.failure === 'short') return undefined;
    throw error;
  }
}

/** A chunk that is not what it was, and where. */
interface CorruptPlace {
  readonly place: ChunkPlace;
  readonly fact: string;
}

interface PlacedItem {
  readonly place: ChunkPlace;
  readonly item: DecodeItem;
}

async function decodeItems(
  store: Store,
  items: readonly PlacedItem[],
  target: SharedArrayBuffer,
): Promise<CorruptPlace[]> {
  const { corrupt } = await store.threads.run('decode', { items: items.map(({ item }) => item), target });
  return corrupt.flatMap(({ item, fact }) => {
    const place = items[item]?.place;
    return place === undefined ? [] : [{ place, fact }];
  });
}

export interface PackRead<Place extends ChunkPlace = ChunkPlace> {
  readonly packId: string;
  readonly offset: number;
  length: number;
  readonly places: Place[];
}

/** Reads that fetch all places: by pack, in order, merged over small gaps. */
export function planPackReads<Place extends ChunkPlace>(places: readonly Place[]): PackRead<Place>[] {
  const reads: PackRead<Place>[] = [];
  for (const inPack of Map.groupBy(places, (place) => place.packId).values()) {
    let last: PackRead<Place> | undefined;
    for (const place of inPack.toSorted((a, b) => a.packOffset - b.packOffset)) {
      const end = place.packOffset + place.encodedLength;
      if (
        last !== undefined &&
        place.packOffset - (last.offset + last.length) <= maxGapBytes &&
        end - last.offset <= maxReadBytes
      ) {
        last.length = Math.max(last.length, end - last.offset);
        last.places.push(place);
        continue;
      }
      last = readOf(place);
      reads.push(last);
    }
  }
  return reads;
}

/** A read of one place alone. */
export function readOf<Place extends ChunkPlace>(place: Place): PackRead<Place> {
  return { packId: place.packId, offset: place.packOffset, length: place.encodedLength, places: [place] };
}

/** Cuts a list of items into shares of about `taskBytes` each. */
function share(items: readonly PlacedItem[]): PlacedItem[][] {
  const shares: PlacedItem[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    if (bytes >= taskBytes) {
      shares.push([]);
      bytes = 0;
    }
    shares.at(-1)?.push(item);
    bytes += item.item.encoded.byteLength;
  }
  return shares;
}
