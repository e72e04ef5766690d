import { buildVdi, type VdiParts } from '../../fixtures/vdi-builder.ts';
import type { KnownDifferences } from './known-difference.ts';

const MiB = 2 ** 20;

/** A disk of four blocks as QEMU reads them, of 1 MiB, of which the file has two. */
function buildWithLargeBlocks({ header, map = [0, 1] }: VdiParts): Buffer {
  const large = { block_size: MiB, blocks_in_image: 4, disk_size: 4 * MiB, ...header };
  const blocks = [1, 2].map((value) => Buffer.alloc(MiB, value));
  return Buffer.concat([buildVdi({ header: large, map, blocks: [] }), ...blocks]);
}

export const vdiDifferences: KnownDifferences = {
  'vdi-block-size': {
    make: () => buildVdi(),
    recognises: ({ ours, theirs }) => {
      const { report } = ours.disk;
      return theirs.kind === 'refused' && report.format === 'vdi' && report.blockBytes !== MiB;
    },
  },
  'vdi-truncated': { make: () => buildWithLargeBlocks({}).subarray(0, -5000) },
  'vdi-shared-block': { make: () => buildWithLargeBlocks({ map: [0, 0] }) },
  'vdi-differencing': { make: () => buildWithLargeBlocks({ header: { image_type: 4 } }) },
  'vdi-block-extra': { make: () => buildWithLargeBlocks({ header: { block_extra: 512 } }) },
  'vdi-data-in-map': { make: () => buildWithLargeBlocks({ header: { offset_data: 512 } }) },
};
