import type { ByteSource, ReadOptions } from './byte-source.ts';

/** The most entries a table of 32-bit places is read with: 16 MiB of them, and as much again to look for overlaps. */
export const maxTableEntries = 4 * 1024 * 1024;

/**
 * The table is read in pieces of this size, each over the one before, so that its raw bytes never stand in memory beside
 * the whole result: pieces of their own would be 16 MiB before the collector took one.
 */
const pieceBytes = 1024 * 1024;

/**
 * Reads a table of 32-bit numbers that says where a file keeps each block of the disk: a VHD's block allocation table, a
 * VDI's block map. The caller has checked that it lies within the file and has no more than `maxTableEntries`.
 */
export async function readBlockTable(
  source: ByteSource,
  table: { offset: number; entries: number; littleEndian: boolean },
  options?: ReadOptions,
): Promise<Uint32Array> {
  const places = new Uint32Array(table.entries);
  const piece = new Uint8Array(Math.min(pieceBytes, table.entries * 4));
  for (let done = 0; done < table.entries; done += pieceBytes / 4) {
    const count = Math.min(pieceBytes / 4, table.entries - done);
    const into = piece.subarray(0, count * 4);
    const bytes = await source.read(table.offset + done * 4, count * 4, { ...options, into });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++) places[done + i] = view.getUint32(i * 4, table.littleEndian);
  }
  return places;
}

/**
 * Two places of a table, the lower first, of which the second lies within the block at the first; undefined when every
 * block has its bytes to itself. That is what bounds the work that a file can make: none of its bytes is read for two
 * blocks.
 *
 * @param blockUnits how far apart two blocks are at least, in the table's unit
 * @param firstMark entries from this number on are no places
 */
export function overlappingPlaces(
  places: Uint32Array,
  blockUnits: number,
  firstMark: number,
): readonly [number, number] | undefined {
  // Typed arrays sort by number, and without a callback: 4 million in random order take 0.27 s.
  const sorted = places.slice().sort();
  let previous = Number.NEGATIVE_INFINITY;
  for (const place of sorted) {
    if (place >= firstMark) return undefined;
    if (place - previous < blockUnits) return [previous, place];
    previous = place;
  }
  return undefined;
}
