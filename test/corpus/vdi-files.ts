import type { SparseFile } from '../fixtures/sparse-file.ts';
import { blockBytes, buildVdi, mapOffset, type VdiParts } from '../fixtures/vdi-builder.ts';
import { buildFooter } from '../fixtures/vhd-builder.ts';
import { type CorpusRow, type CorpusTable, MiB, TiB } from './corpus-table.ts';

const made = (what: string, parts: VdiParts, outcome: string): CorpusRow => [what, () => buildVdi(parts), outcome];

/** The most entries that a block map is read with. */
const mostBlocks = 4 * MiB;

export const vdiFiles: CorpusTable = {
  'backing file': [
    made('is a layer on another file', { header: { image_type: 4 } }, 'vdi.differencing'),
    made('is a layer to be undone', { header: { image_type: 3 } }, 'vdi.differencing'),
    made('is no layer and names a parent', { header: { uuid_link: 1 } }, 'vdi.differencing'),
  ],
  'two identities': [
    ['ends as a VHD does', () => Buffer.concat([buildVdi(), buildFooter({ type: 2 })]), 'format.ambiguous'],
  ],
  size: [
    made('has a disk of 4 TiB and a byte', { header: { disk_size: 4 * TiB + 1 } }, 'vdi.virtual-size'),
    made('has a disk of 2^63 bytes', { header: { disk_size: 1n << 63n } }, 'vdi.virtual-size'),
    made('has a disk of 2^64 - 1 bytes', { header: { disk_size: -1n } }, 'vdi.virtual-size'),
    made('has blocks of 0 bytes', { header: { block_size: 0 } }, 'vdi.block-size'),
    made('has blocks of 2^32 - 1 bytes', { header: { block_size: 0xffffffff } }, 'vdi.block-size'),
    made('has 2^32 - 1 bytes in front of each block', { header: { block_extra: 0xffffffff } }, 'vdi.block-size'),
    made('has sectors of 0 bytes', { header: { sector_size: 0 } }, 'vdi.sector-size'),
  ],
  table: [
    ['has the largest map, 4 million blocks', () => largestMap(mostBlocks), 'accepted'],
    ['has a map of a block more', () => largestMap(mostBlocks + 1), 'vdi.block-map'],
    ['has a map of 2^32 - 1 blocks', () => largestMap(0xffffffff), 'vdi.block-map'],
    ['has a map a block too short', () => largestMap(mostBlocks - 1), 'vdi.block-map'],
    made('has a header of 2^32 - 1 bytes', { header: { header_size: 0xffffffff } }, 'vdi.layout'),
  ],
  overlap: [
    made('has its map in its header', { header: { offset_bmap: 0 } }, 'vdi.layout'),
    made('has its data in its map', { header: { offset_data: mapOffset + 4 } }, 'vdi.layout'),
    made('keeps two blocks in one place', { map: [1, 0, 1] }, 'vdi.overlap'),
    ['has 4 million blocks, and two in one place', () => largestMap(mostBlocks, looping()), 'vdi.overlap'],
  ],
  'stale data': [
    made('leaves blocks unwritten, and discards one', { map: [0, 0xffffffff, 0xfffffffe, 1] }, 'accepted'),
    made('keeps a block past its end', { map: [3] }, 'vdi.truncated'),
  ],
  damage: [
    made('is of a version of tomorrow', { header: { version: 0x00020000 } }, 'vdi.version'),
    made('is of a type that nobody knows', { header: { image_type: 5 } }, 'vdi.type'),
    made('ends within its last block', { fileBytes: 1024 + 3 * blockBytes - 1 }, 'vdi.truncated'),
  ],
};

/** A disk of 4 TiB in blocks of 1 MiB, with room for them all in the file. */
function largestMap(blocks: number, map: Uint8Array = Buffer.alloc(mostBlocks * 4, 0xff)): SparseFile {
  const mapEnd = mapOffset + mostBlocks * 4;
  const fields = { disk_size: 4 * TiB, block_size: MiB, blocks_in_image: blocks, blocks_allocated: 0 };
  const head = buildVdi({ header: { ...fields, offset_data: mapEnd } }).subarray(0, mapOffset);
  return {
    sizeBytes: mapEnd + mostBlocks * MiB,
    parts: [
      [0, head],
      [mapOffset, map],
    ],
  };
}

/** Blocks in no order, of which the last is where the first is. */
function looping(): Buffer {
  const map = Buffer.alloc(mostBlocks * 4);
  for (let i = 0; i < mostBlocks; i++) map.writeUInt32LE((i % (mostBlocks - 1)) ^ 0x155555, i * 4);
  return map;
}
