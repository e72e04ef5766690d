import {
  buildQcow2,
  clusterBytes,
  compressedEntry,
  copied,
  dataOffset,
  deflated,
  l1Offset,
  l2Offset,
  pattern,
  zstandard,
} from '../../fixtures/qcow2-builder.ts';
import { noise, qemuImg } from '../../fixtures/qemu.ts';
import { buildFooter } from '../../fixtures/vhd-builder.ts';
import type { KnownDifferences } from './known-difference.ts';

const zstd = { incompatible_features: 8, compression_type: 1 };

/** A qcow2 whose only data is one compressed cluster. */
function withUnit(unit: Uint8Array, header = {}): Buffer {
  return buildQcow2({ header, data: [unit], l2: [compressedEntry(dataOffset(0), unit.length)] });
}

/** Zeros, then bytes that deflate keeps as they are, last in the cluster: what is missing of them can be anything. */
const storedLast = deflated(Buffer.concat([Buffer.alloc(1000), noise(clusterBytes - 1000, 5)]));

export const qcow2Differences: KnownDifferences = {
  'qcow2-truncated': { make: () => buildQcow2({ fileBytes: dataOffset(2) + 100 }) },
  'qcow2-truncated-table': { make: () => buildQcow2({ fileBytes: l2Offset + 16 }) },
  'qcow2-truncated-compressed': { make: () => withUnit(storedLast).subarray(0, dataOffset(0) + 2000) },
  'qcow2-cluster-too-long': { make: () => withUnit(deflated(pattern(1, 9000))) },
  'qcow2-several-frames': {
    make: () => withUnit(Buffer.concat([zstandard(pattern(1, 2048)), zstandard(pattern(1, 2048))]), zstd),
  },
  'qcow2-partial-sector': { make: () => buildQcow2({ header: { size: 64 * clusterBytes - 100 } }) },
  'qcow2-no-size': { make: () => buildQcow2({ header: { size: 0 } }) },
  'qcow2-corrupt': { make: () => buildQcow2({ header: { incompatible_features: 2 } }) },
  'qcow2-reserved-bits': { make: () => buildQcow2({ l2: [copied(dataOffset(0)) | (1n << 60n)] }) },
  'qcow2-overlap': { make: () => buildQcow2({ l2: [copied(l1Offset)] }) },
  'qcow2-header-as-data': { make: () => buildQcow2({ l2: [copied(0)] }) },
  'qcow2-amplification': {
    make: () =>
      buildQcow2({
        header: { size: 512 * clusterBytes },
        l2: Array.from({ length: 512 }, () => copied(dataOffset(0))),
      }),
  },
  'qcow2-and-vhd': { make: () => Buffer.concat([buildQcow2(), buildFooter({ type: 2, data_offset: -1n })]) },
  'qcow2-damaged-snapshot': {
    // The first entry of the table of snapshots begins in the data, whose letters make no sense as its numbers.
    make: () => buildQcow2({ header: { nb_snapshots: 1, snapshots_offset: dataOffset(0) } }),
  },
  'qcow2-backing-file': {
    make: async (folder) => {
      await qemuImg('create', '-f', 'raw', folder.path('base.raw'), '1M');
      await qemuImg('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', folder.path('layer.qcow2'));
      return folder.path('layer.qcow2');
    },
  },
  'qcow2-data-file': {
    make: async (folder) => {
      const data = `data_file=${folder.path('data.raw')}`;
      await qemuImg('create', '-f', 'qcow2', '-o', data, folder.path('disk.qcow2'), '1M');
      return folder.path('disk.qcow2');
    },
  },
  'qcow2-version-1': {
    make: async (folder) => {
      await qemuImg('create', '-f', 'qcow', folder.path('disk.qcow'), '1M');
      return folder.path('disk.qcow');
    },
  },
};
