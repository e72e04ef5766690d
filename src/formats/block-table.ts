import type { ByteSource, ReadOptions } from './byte-source.ts';
import { readTablePieces } from './table-pieces.ts';

/** The most entries a table of 32-bit places is read with: 16 MiB of them, and as much again to look for overlaps. */
export const maxTableEntries = 4 * 1024 * 1024;

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
  for await (const { first, count, view } of readTablePieces(source, { ...table, entryBytes: 4 }, options)) {
    for (let i = 0; i < count; i++) places[first + i] = view.getUint32(i * 4, table.littleEndian);
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
