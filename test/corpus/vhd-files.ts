import { buildQcow2 } from '../fixtures/qcow2-builder.ts';
import type { SparseFile } from '../fixtures/sparse-file.ts';
import {
  blockBytes,
  blockPattern,
  blockSector,
  buildFixedVhd,
  buildFooter,
  buildVhd,
  guestBytes,
  tableOffset,
  type VhdParts,
} from '../fixtures/vhd-builder.ts';
import { type CorpusRow, type CorpusTable, GiB, MiB } from './corpus-table.ts';

const made = (what: string, parts: VhdParts, outcome: string): CorpusRow => [what, () => buildVhd(parts), outcome];

const twoFooters = 'vhd.footer-copy';

/** The most entries that a block allocation table is read with. */
const mostEntries = 4 * MiB;

export const vhdFiles: CorpusTable = {
  'backing file': [
    made('is a layer on another file', { footer: { type: 4 } }, 'vhd.differencing'),
    made(
      'is a layer on a file that it names',
      { footer: { type: 4 }, header: { parent_unicode_name: '\0p\0w\0d' } },
      'vhd.differencing',
    ),
    // Of no meaning in a dynamic disk: no program looks for that parent.
    made('names a parent and is no layer', { header: { parent_unique_id: 1 } }, 'accepted'),
    made('is a layer by the copy of its footer alone', { copy: { type: 4 } }, 'vhd.footer-copy'),
  ],
  'guessed format': [
    // Known by its end alone: whoever looks at its beginning takes it for a raw disk, and its footer for guest data.
    ['is fixed and begins as a disk does', () => buildFixedVhd(bootSector()), 'accepted'],
  ],
  'two identities': [
    ['is fixed, of a guest that begins as a qcow2 does', () => buildFixedVhd(buildQcow2()), 'format.ambiguous'],
    [
      'is fixed, of a guest that begins as a qcow2 with a backing file does',
      () => buildFixedVhd(buildQcow2({ header: { backing_file_offset: 512, backing_file_size: 11 } })),
      'format.ambiguous',
    ],
    made('is fixed at its end and dynamic at its beginning', { footer: { type: 2 }, copy: { type: 3 } }, twoFooters),
    made('has footers of two sizes', { copy: { current_size: 2 * guestBytes } }, twoFooters),
    made('has footers of two creators, who count sizes in two ways', { copy: { creator: 'vpc ' } }, twoFooters),
    made('has footers with two places for the header', { copy: { data_offset: 1024 } }, twoFooters),
    made('has no footer at its beginning', { copy: 'none' }, twoFooters),
    ['has a VHD behind its end', () => Buffer.concat([buildVhd(), buildFixedVhd(bootSector())]), twoFooters],
  ],
  size: [
    made('has a disk of 2040 GiB and a sector', { footer: { current_size: 2040 * GiB + 512 } }, 'vhd.virtual-size'),
    made('has a disk of 2^63 bytes', { footer: { current_size: 1n << 63n } }, 'vhd.virtual-size'),
    made('has a disk of 2^64 - 1 bytes', { footer: { current_size: -1n } }, 'vhd.virtual-size'),
    made('has a geometry of no heads, which counts', { footer: { creator: 'vpc ', heads: 0 } }, 'vhd.virtual-size'),
    made('has blocks of 0 bytes', { header: { block_size: 0 } }, 'vhd.block-size'),
    made('has blocks of 2^32 - 1 bytes', { header: { block_size: 0xffffffff } }, 'vhd.block-size'),
    [
      'is fixed and shorter than its size',
      () => buildFixedVhd(bootSector(), { footer: { current_size: MiB } }),
      'vhd.truncated',
    ],
  ],
  table: [
    ['has the largest table, 4 million entries', () => largestTable(mostEntries), 'accepted'],
    ['has a table of an entry more', () => largestTable(mostEntries + 1), 'vhd.block-table'],
    ['has a table of 2^32 - 1 entries', () => largestTable(0xffffffff), 'vhd.block-table'],
    made('has a table an entry too short', { header: { max_table_entries: 15 } }, 'vhd.block-table'),
    made('has its table at 2^64 - 512', { header: { table_offset: -512n } }, 'vhd.block-table'),
    made('has its header at 2^64 - 512', { footer: { data_offset: -512n } }, 'vhd.data-offset'),
  ],
  overlap: [
    made('keeps a block in its footer', { table: [blockSector(3)] }, 'vhd.truncated'),
    made('keeps a block in the copy of its footer', { table: [0] }, 'vhd.overlap'),
    made('keeps a block in its header', { table: [1] }, 'vhd.overlap'),
    made('keeps a block in its table', { table: [tableOffset / 512] }, 'vhd.overlap'),
    made('has its table in its header', { header: { table_offset: 1024 } }, 'vhd.block-table'),
    made('has its header in its footer', { footer: { data_offset: 0 } }, 'vhd.data-offset'),
    made('keeps two blocks in one place', { table: [blockSector(0), blockSector(0)] }, 'vhd.overlap'),
    made('keeps a block in the end of another', { table: [blockSector(0), blockSector(1) - 1] }, 'vhd.overlap'),
    ['has 4 million blocks, and two in one place', () => largestTable(mostEntries, looping()), 'vhd.overlap'],
  ],
  'stale data': [
    // A sector that was never written is zeros, whatever the writer's disk held there.
    made('has bytes in sectors that were never written', unwrittenSectors(), 'accepted'),
  ],
  damage: [
    made('has a wrong checksum in its footer', { footer: { checksum: 1 } }, 'vhd.footer-checksum'),
    made('has a wrong checksum in its header', { header: { checksum: 1 } }, 'vhd.dynamic-header'),
    made('needs features of tomorrow', { footer: { features: 6 } }, 'vhd.features'),
    made('is of a version of tomorrow', { footer: { version: 0x00020000 } }, 'vhd.version'),
    made('is of a type that nobody knows', { footer: { type: 0xffffffff } }, 'vhd.type'),
  ],
};

function bootSector(): Buffer {
  const disk = Buffer.alloc(8192, 'fixed; ');
  disk.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 15, 0, 0, 0, ...Buffer.alloc(48), 0x55, 0xaa], 446);
  return disk;
}

function unwrittenSectors(): VhdParts {
  return { blocks: [{ data: blockPattern(0), bitmap: Buffer.alloc(512) }] };
}

/** A disk of 16 GiB in blocks of 4 KiB, with room for them all in the file. */
function largestTable(entries: number, table: Uint8Array = Buffer.alloc(mostEntries * 4, 0xff)): SparseFile {
  const footer = { current_size: mostEntries * blockBytes };
  const start = buildVhd({ footer, header: { max_table_entries: entries } }).subarray(0, tableOffset);
  const footerAt = (blocksSector + mostEntries * 9) * 512;
  return {
    sizeBytes: footerAt + 512,
    parts: [
      [0, start],
      [tableOffset, table],
      [footerAt, buildFooter(footer)],
    ],
  };
}

const blocksSector = tableOffset / 512 + (mostEntries * 4) / 512;

/** Blocks in no order, of which the last is where the first is. */
function looping(): Buffer {
  const table = Buffer.alloc(mostEntries * 4);
  for (let i = 0; i < mostEntries; i++) {
    table.writeUInt32BE(blocksSector + ((i % (mostEntries - 1)) ^ 0x155555) * 9, i * 4);
  }
  return table;
}
