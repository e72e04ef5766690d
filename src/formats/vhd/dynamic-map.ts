import { overlappingPlaces, readBlockTable } from '../block-table.ts';
import type { ByteSource, ReadOptions } from '../byte-source.ts';
import type { DiskMap, Run } from '../disk-map.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import { RunBuilder } from '../run-builder.ts';
import { dynamicHeaderLength } from './dynamic-header.ts';
import { footerLength } from './footer.ts';
import { bitmapLength, eachWrittenRun, type KeptBlock, SectorBitmaps } from './sector-bitmaps.ts';

/** The table's entry of a block that was never written. */
const unwritten = 0xffffffff;

const repair = 'Write it anew where it was made, or with: qemu-img convert -f vpc -O qcow2 FILE disk.qcow2';

/** What is known of a dynamic disk's file once its header was checked. Offsets and lengths in bytes. */
export interface DynamicFile {
  readonly guestBytes: number;
  readonly blockBytes: number;
  readonly headerOffset: number;
  readonly tableOffset: number;
  readonly tableEntries: number;
  readonly footerStart: number;
}

/**
 * Opens the map of a dynamic disk: reads its block allocation table, up to 16 MiB, which is held. Entries beyond the
 * disk's end are not looked at.
 *
 * @throws ImageRefused when a block does not lie whole within the file, or two things stand in one place
 */
export async function openDynamicMap(source: ByteSource, file: DynamicFile, options?: ReadOptions): Promise<DiskMap> {
  const places = await readBlockTable(
    source,
    {
      offset: file.tableOffset,
      entries: Math.ceil(file.guestBytes / file.blockBytes),
      littleEndian: false,
    },
    options,
  );
  checkPlaces(places, file);
  return new DynamicMap(source, file, places);
}

/** Every block has its bytes to itself, between the footers: so no byte of the file is read for two places of the disk. */
function checkPlaces(places: Uint32Array, file: DynamicFile): void {
  const keptBytes = bitmapLength(file.blockBytes) + file.blockBytes;
  const metadata = [
    { name: 'copy of the footer', start: 0, end: footerLength },
    { name: 'dynamic header', start: file.headerOffset, end: file.headerOffset + dynamicHeaderLength },
    { name: 'block allocation table', start: file.tableOffset, end: file.tableOffset + file.tableEntries * 4 },
  ];
  for (const [index, place] of places.entries()) {
    if (place === unwritten) continue;
    const start = place * sectorBytes;
    const end = start + keptBytes;
    if (end > file.footerStart) {
      throw new ImageRefused({
        check: 'vhd.truncated',
        reason: `Block ${index} is kept at ${start} to ${end}, but the footer is at ${file.footerStart}: the file was cut short or damaged.`,
        remedy: 'Compare its length with the original, and send it again.',
      });
    }
    for (const table of metadata) {
      if (start < table.end && table.start < end)
        throw overlap(`Block ${index} is kept at ${start} to ${end}, where the ${table.name} is.`);
    }
  }
  const [first, second] = overlappingPlaces(places, keptBytes / sectorBytes, unwritten) ?? [];
  if (first !== undefined && second !== undefined) {
    throw overlap(
      `Two blocks of ${keptBytes} bytes are kept at ${first * sectorBytes} and ${second * sectorBytes}: they share bytes.`,
    );
  }
}

function overlap(reason: string): ImageRefused {
  return new ImageRefused({ check: 'vhd.overlap', reason, remedy: repair });
}

class DynamicMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #blockBytes: number;
  /** Sector of each block's bitmap, by block. */
  readonly #places: Uint32Array;
  readonly #bitmaps: SectorBitmaps;

  constructor(source: ByteSource, { guestBytes, blockBytes }: DynamicFile, places: Uint32Array) {
    this.sizeBytes = guestBytes;
    this.#blockBytes = blockBytes;
    this.#places = places;
    this.#bitmaps = new SectorBitmaps(source, blockBytes);
  }

  /**
   * A sector whose bit is clear was never written and is a hole, whatever stands in its place. The specification has
   * zeros stand there, and lets a reader rely on that; VirtualBox and 7-Zip do, while QEMU and, by report, Windows do not
   * look at the bits. So only a file that breaks the rule is read differently, and then without what it hides.
   */
  async runs(offset: number, length: number, options?: ReadOptions): Promise<Run[]> {
    const builder = new RunBuilder(offset, length, this.sizeBytes);
    const blockBytes = this.#blockBytes;
    const blocks = this.#keptBlocks(offset, Math.min(offset + length, this.sizeBytes));
    const bitmaps = await this.#bitmaps.load(blocks, options);
    const headBytes = bitmapLength(blockBytes);
    for (const { index, fileOffset } of blocks) {
      const guestStart = index * blockBytes;
      eachWrittenRun(bitmaps.get(index) ?? new Uint8Array(), blockBytes / sectorBytes, (first, end) => {
        const at = first * sectorBytes;
        builder.addPlain(guestStart + at, (end - first) * sectorBytes, fileOffset + headBytes + at);
      });
    }
    return builder.runs;
  }

  /** The blocks of `[start, end)` that are in the file. */
  #keptBlocks(start: number, end: number): KeptBlock[] {
    const blocks: KeptBlock[] = [];
    const last = Math.ceil(end / this.#blockBytes);
    for (let index = Math.floor(start / this.#blockBytes); index < last; index++) {
      const place = this.#places[index] ?? unwritten;
      if (place !== unwritten) blocks.push({ index, fileOffset: place * sectorBytes });
    }
    return blocks;
  }
}
