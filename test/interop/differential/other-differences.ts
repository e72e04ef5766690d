import { noise, prose, qemuImg } from '../../fixtures/qemu.ts';
import type { KnownDifference, KnownDifferences } from './known-difference.ts';

const madeByQemu = (format: string): KnownDifference => ({
  make: async (folder) => {
    await qemuImg('create', '-f', format, folder.path('disk'), '1M');
    return folder.path('disk');
  },
});

/** Files of no format that is read: what is none of qemu-img's either is a raw disk to it. */
export const otherDifferences: KnownDifferences = {
  'raw-text': { make: () => prose(1000, 1) },
  'raw-markup': { make: () => Buffer.from('<html><body>404 Not Found</body></html>'.padEnd(512)) },
  'raw-empty': { make: () => new Uint8Array() },
  'raw-cd': {
    make: () => {
      const file = Buffer.alloc(64 * 1024);
      file.write('\x01CD001', 0x8000, 'latin1');
      return file;
    },
  },
  'raw-packed': { make: () => Buffer.concat([Buffer.from('PK\x03\x04'), noise(1020, 1)]) },
  'raw-encrypted': { make: () => Buffer.concat([Buffer.from('LUKS\xba\xbe\0\x02', 'latin1'), noise(8184, 1)]) },
  'other-qed': madeByQemu('qed'),
  'other-parallels': madeByQemu('parallels'),
};
