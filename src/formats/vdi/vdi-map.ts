import { overlappingPlaces, readBlockTable } from '../block-table.ts';
import type { ByteSource, ReadOptions } from '../byte-source.ts';
import type { DiskMap, Run } from '../disk-map.ts';
import { ImageRefused } from '../image-refused.ts';
import { RunBuilder } from '../run-builder.ts';

/** Marks in the block map: a block that was never written, and one that was discarded and reads as zeros. */
const unwritten = 0xffffffff;
const discarded = 0xfffffffe;

const resend = 'Compare its length and checksum with the original, and send it again.';

/** What is known of a VDI once its header was checked. Offsets and lengths in bytes. */
export interface VdiFile {
  /** The disk's size as the header has it, which need not be whole sectors. */
  readonly diskBytes: number;
  readonly guestBytes: number;
  readonly blockBytes: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
}

/**
 * Opens the map of a VDI: reads its block map, up to 16 MiB, which is held. Entries beyond the disk's end are not looked
 * at. `kept` is the number of blocks that the map finds in the file.
 *
 * @throws ImageRefused when a block does not lie within the file, or two are kept in one place
 */
export async function openVdiMap(
  source: ByteSource,
  file: VdiFile,
  options?: ReadOptions,
): Promise<{ map: DiskMap; kept: number }> {
  const entries = Math.ceil(file.diskBytes / file.blockBytes);
  const places = await readBlockTable(source, { offset: file.mapOffset, entries, littleEndian: true }, options);
  let kept = 0;
  for (const [index, place] of places.entries()) {
    if (place >= discarded) continue;
    kept++;
    const start = file.dataOffset + place * file.blockBytes;
    // The last block needs to be there only as far as the disk reaches: a program may end the file with the disk.
    const end = start + Math.min(file.blockBytes, file.diskBytes - index * file.blockBytes);
    if (end > source.sizeBytes) {
      throw new ImageRefused({
        check: 'vdi.truncated',
        reason: `Block ${index} is kept at ${start} to ${end}, but the file has only ${source.sizeBytes} bytes: it was cut short or damaged.`,
        remedy: resend,
      });
    }
  }
  const [shared] = overlappingPlaces(places, 1, discarded) ?? [];
  if (shared !== undefined) {
    throw new ImageRefused({
      check: 'vdi.overlap',
      reason: `Two blocks of the disk are kept in one place of the file, its block ${shared}.`,
      remedy: resend,
    });
  }
  return { map: new VdiMap(file, places), kept };
}

class VdiMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #file: VdiFile;
  /** Number of each block in the data, by block of the disk. */
  readonly #places: Uint32Array;

  constructor(file: VdiFile, places: Uint32Array) {
    this.sizeBytes = file.guestBytes;
    this.#file = file;
    this.#places = places;
  }

  async runs(offset: number, length: number): Promise<Run[]> {
    const { blockBytes, dataOffset, diskBytes } = this.#file;
    // What lies behind the disk's own last byte, in the last sector, is not the disk's: it stays a hole.
    const builder = new RunBuilder(offset, length, diskBytes);
    const last = Math.ceil(Math.min(offset + length, diskBytes) / blockBytes);
    for (let index = Math.floor(offset / blockBytes); index < last; index++) {
      const place = this.#places[index] ?? unwritten;
      if (place === discarded) builder.addZero(index * blockBytes, blockBytes);
      else if (place !== unwritten) builder.addPlain(index * blockBytes, blockBytes, dataOffset + place * blockBytes);
    }
    return builder.runs;
  }
}
