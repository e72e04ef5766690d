import { type SparseFile, toBuffer } from '../fixtures/sparse-file.ts';
import { buildFooter } from '../fixtures/vhd-builder.ts';
import {
  batEntry,
  batOffset,
  blockOffset,
  buildVhdx,
  goodRegions,
  header1Offset,
  logOffset,
  long,
  metadataOffset,
  regionIds,
  sector,
  type VhdxLogEntry,
  type VhdxParts,
  words,
} from '../fixtures/vhdx-builder.ts';
import { type CorpusRow, type CorpusTable, MiB, TiB } from './corpus-table.ts';

const made = (what: string, parts: VhdxParts, outcome: string): CorpusRow => [what, () => buildVhdx(parts), outcome];

const [batRegion, metadataRegion] = goodRegions;
const nobodysId = '11111111-2222-3333-4444-555555555555';
const toFirstBlock = { offset: blockOffset(0), data: 4096 };

export const vhdxFiles: CorpusTable = {
  'backing file': [
    made('is a layer on another file', { metadata: { fileParameters: { data: words(MiB, 2) } } }, 'vhdx.differencing'),
    made('keeps a block partially, as layers do', { bat: [batEntry(blockOffset(0), 7)] }, 'vhdx.bat-entry'),
  ],
  'two identities': [
    ['ends as a VHD does', () => Buffer.concat([toBuffer(buildVhdx()), buildFooter({ type: 2 })]), 'format.ambiguous'],
    made(
      'has two headers of one age that differ',
      { header: { SequenceNumber: 3 }, header2: { Version: 2 } },
      'vhdx.header',
    ),
    made('has two region tables that differ', { regions2: [metadataRegion, batRegion] }, 'vhdx.region-table'),
  ],
  size: [
    sized('has a disk of 4 TiB and a sector', 4 * TiB + 512, 'vhdx.virtual-size'),
    sized('has a disk of 2^64 - 512 bytes', 2n ** 64n - 512n, 'vhdx.virtual-size'),
    sized('has a disk of 1000 bytes', 1000, 'vhdx.virtual-size'),
    made('has blocks of 2^31 bytes', { metadata: { fileParameters: { data: words(2 ** 31, 0) } } }, 'vhdx.block-size'),
    made('has sectors of 0 bytes', { metadata: { logicalSectorSize: { data: words(0) } } }, 'vhdx.sector-size'),
    made('has a file of more than 64 TiB', { fileBytes: 64 * TiB + 1 }, 'vhdx.file-size'),
  ],
  table: [
    ['has the largest block table, 4 million blocks', () => largestTable(() => undefined), 'accepted'],
    ['has a block table too short for its disk', () => largestTable(() => undefined, 32 * MiB), 'vhdx.bat'],
    [
      'has 2047 regions',
      () =>
        buildVhdx({
          regions: [...goodRegions, ...Array.from({ length: 2045 }, nobodysRegion)],
          fileBytes: 3 * 2 ** 30,
        }),
      'accepted',
    ],
    made('has 2048 regions', { regionCount: 2048 }, 'vhdx.region-table'),
    made('has 2^32 - 1 regions', { regionCount: 0xffffffff }, 'vhdx.region-table'),
    made('has 2048 items of metadata', { itemCount: 2048 }, 'vhdx.metadata'),
    made('has 2^16 - 1 items of metadata', { itemCount: 0xffff }, 'vhdx.metadata'),
    made('has an item of 2^32 - 1 bytes', { metadata: { virtualDiskSize: { length: 0xffffffff } } }, 'vhdx.metadata'),
    made(
      'has a log of 17 MiB to replay',
      { header: { LogLength: 17 * MiB }, log: [entry()], fileBytes: 32 * MiB },
      'vhdx.log',
    ),
    made('has a log of 4 GiB', { header: { LogLength: 0xfff00000 } }, 'vhdx.truncated'),
    made('has a log of no bytes to replay', { header: { LogGuid: 1, LogLength: 0 } }, 'vhdx.log-place'),
    made(
      'has a region past 2^64',
      { regions: [at(batRegion, 2n ** 64n - 2n ** 20n), metadataRegion] },
      'vhdx.truncated',
    ),
    made(
      'needs a region of tomorrow',
      { regions: [...goodRegions, { ...nobodysRegion(0, 0), required: 1 }] },
      'vhdx.unknown-region',
    ),
  ],
  overlap: [
    made('has its log in its headers', { header: { LogOffset: 0 } }, 'vhdx.overlap'),
    made('has its table in its log', { regions: [at(batRegion, logOffset), metadataRegion] }, 'vhdx.overlap'),
    made('has its table in its metadata', { regions: [at(batRegion, metadataOffset), metadataRegion] }, 'vhdx.overlap'),
    made('has a region twice', { regions: [...goodRegions, at(batRegion, blockOffset(0))] }, 'vhdx.region'),
    made('keeps a block in its table', { bat: [batEntry(batOffset)] }, 'vhdx.overlap'),
    made(
      'keeps two blocks in one place',
      { bat: [batEntry(blockOffset(0)), batEntry(blockOffset(0))] },
      'vhdx.overlap',
    ),
    ['has 4 million blocks, and two in one place', () => largestTable(looping), 'vhdx.overlap'],
    // What is written through a log is written before anything else in the file is believed.
    made(
      'has a log that writes a header',
      { log: [entry({ offset: header1Offset, data: Buffer.alloc(sector) })] },
      'vhdx.log',
    ),
    made('has a log that writes itself', { log: [entry({ offset: logOffset + 4 * sector, data: 4096 })] }, 'vhdx.log'),
    made(
      'has a log that writes 1 EiB of zeros',
      { log: [entry({ offset: blockOffset(0), data: 2n ** 60n })] },
      'vhdx.log',
    ),
    made(
      'has a log that makes the file 1 EiB',
      { log: [{ ...entry(), fields: { LastFileOffset: 2n ** 60n } }] },
      'vhdx.log',
    ),
    made('has a log of entries that follow each other in a circle', { log: circle() }, 'accepted'),
    made(
      'has a log whose newest entry needs one that is not there',
      { log: [{ ...entry(), fields: { Tail: 5 * sector } }] },
      'vhdx.log',
    ),
    made(
      'has an entry longer than its log',
      { log: [{ ...entry(), fields: { EntryLength: 0xfffff000 } }] },
      'vhdx.log',
    ),
    made('has an entry of no length', { log: [{ ...entry(), fields: { EntryLength: 0 } }] }, 'vhdx.log'),
    made(
      'has an entry of 2^32 - 1 writes',
      { log: [{ ...entry(), fields: { DescriptorCount: 0xffffffff } }] },
      'vhdx.log',
    ),
  ],
  damage: [
    made('has wrong checksums in both headers', { header: { Checksum: 1 } }, 'vhdx.header'),
    made('is of a version of tomorrow', { header: { Version: 2 } }, 'vhdx.version'),
    made('keeps a block past its end', { bat: [batEntry(blockOffset(3))] }, 'vhdx.truncated'),
  ],
};

function sized(what: string, bytes: number | bigint, outcome: string): CorpusRow {
  return made(what, { metadata: { virtualDiskSize: { data: long(bytes) } } }, outcome);
}

function entry(write: VhdxLogEntry['writes'][number] = toFirstBlock): VhdxLogEntry {
  return { sector: 0, sequence: 1n, writes: [write] };
}

/** The log is full: each entry stands before the next, and the last before the first. */
function circle(): VhdxLogEntry[] {
  return Array.from({ length: 256 }, (_, index) => ({
    sector: index,
    sequence: BigInt(index + 1),
    writes: [{ offset: blockOffset(0), data: 4096 }],
  }));
}

function at<Region extends { offset: number | bigint }>(region: Region, offset: number | bigint): Region {
  return { ...region, offset };
}

function nobodysRegion(_: unknown, index: number) {
  const id = nobodysId.slice(0, -4) + index.toString(16).padStart(4, '0');
  return { id, offset: (16 + index) * MiB, length: MiB, required: 0 };
}

const firstBlock = 40 * MiB;
const mostBlocks = (4 * TiB) / MiB;

/** A disk of 4 TiB in blocks of 1 MiB, where `place` tells which are in the file and where. */
function largestTable(place: (block: number) => number | undefined, tableBytes = 33 * MiB): SparseFile {
  const table = Buffer.alloc(tableBytes);
  let offset = 0;
  for (let block = 0; block < mostBlocks; block++) {
    // There is an entry more behind each 4096: for a bitmap, which only layers have.
    if (block > 0 && block % 4096 === 0) offset += 8;
    const index = place(block);
    if (index !== undefined) table.writeBigUInt64LE(batEntry(firstBlock + index * MiB), offset);
    offset += 8;
  }
  return buildVhdx({
    metadata: { virtualDiskSize: { data: long(4 * TiB) } },
    regions: [{ id: regionIds.bat, offset: 4 * MiB, length: tableBytes, required: 1 }, metadataRegion],
    blocks: [table],
    fileBytes: firstBlock + 4 * TiB,
  });
}

/** The last is where the first is. */
function looping(block: number): number {
  return block === mostBlocks - 1 ? 1 : block ^ 1;
}
