import { writeFile } from 'node:fs/promises';
import { noise, qemuImg } from '../../fixtures/qemu.ts';
import {
  buildStreamVmdk,
  buildVmdk,
  capacity,
  descriptorText,
  encodedGrain,
  grainPattern,
  grainSector,
} from '../../fixtures/vmdk-builder.ts';
import type { KnownDifferences } from './known-difference.ts';

export const vmdkDifferences: KnownDifferences = {
  'vmdk-size-in-descriptor': {
    make: () => {
      const extent = `RW ${capacity - 2} SPARSE "disk.vmdk"`;
      return buildStreamVmdk({ descriptor: descriptorText({ type: 'streamOptimized', extent }) });
    },
    recognises: ({ ours, theirs }) => {
      const { report } = ours.disk;
      if (report.format !== 'vmdk' || theirs.kind !== 'read') return false;
      const more = theirs.bytes.subarray(ours.bytes.length);
      const isSame = theirs.bytes.subarray(0, ours.bytes.length).equals(ours.bytes);
      return isSame && more.length > 0 && more.length < report.grainBytes;
    },
  },
  'vmdk-truncated': { make: () => buildVmdk({ fileBytes: grainSector(2) * 512 + 512 }) },
  'vmdk-no-size': {
    make: async (folder) => {
      await writeFile(folder.path('other.raw'), noise(capacity * 512, 7));
      const extent = `RW ${capacity} FLAT "other.raw" 0`;
      const descriptor = descriptorText({ type: 'monolithicFlat', extent });
      await writeFile(folder.path('disk.vmdk'), buildVmdk({ header: { capacity: 0 }, descriptor }));
      return folder.path('disk.vmdk');
    },
  },
  'vmdk-grain-of-another-place': {
    make: () => buildVmdk({ compressed: true, grains: [encodedGrain(0, grainPattern(0), { lba: 99 })] }),
  },
  'vmdk-tables-disagree': { make: () => buildVmdk({ redundantTable: [grainSector(1)] }) },
  'vmdk-parent': { make: () => buildVmdk({ descriptor: descriptorText({ parentCid: '12345678' }) }) },
  'vmdk-without-descriptor': { make: () => buildVmdk({ header: { descriptorOffset: 0, descriptorSize: 0 } }) },
  'vmdk-path': { make: () => buildVmdk({ descriptor: descriptorText({ extent: 'RW 512 SPARSE "../disk.vmdk"' }) }) },
  'vmdk-other-type': { make: () => buildVmdk({ descriptor: descriptorText({ type: 'vmfsSparse' }) }) },
  'vmdk-text-mode': { make: () => buildVmdk({ header: { newlineTest: 0x0a0a200a } }) },
  'vmdk-and-partitions': {
    make: () => {
      const file = buildVmdk();
      // One entry of a partition table: active, Linux, from sector 1 on; and the mark of a boot sector.
      file.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0], 446);
      file.set([0x55, 0xaa], 510);
      return file;
    },
  },
  'vmdk-of-several-files': {
    make: async (folder) => {
      await qemuImg('create', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', folder.path('disk.vmdk'), '5M');
      return folder.path('disk.vmdk');
    },
  },
};
