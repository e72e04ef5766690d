import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { buildQcow2 } from '../fixtures/qcow2-builder.ts';
import { noise } from '../fixtures/qemu.ts';
import { buildXz } from '../fixtures/xz-builder.ts';
import { type CorpusTable, KiB, MiB } from './corpus-table.ts';

const disk = noise(64 * KiB, 1);
const packedDisk = gzipSync(disk);
const packedZstd = zstdCompressSync(disk);
const zeros = (bytes: number) => new Uint8Array(bytes);

/** 1.2 MB of zeros as bzip2 keeps them. */
const zerosInBzip2 = Buffer.from(
  '425a6839314159265359a89d645c000930c002c00000020008200030cc0529a68288d84288f177245385090a89d645c0',
  'hex',
);

/** A bzip2 stream with nothing in it. */
const emptyBzip2 = Buffer.from('425a683917724538509000000000', 'hex');

/** In place of the real limits, which are terabytes: the work until they are reached is the same for each byte. */
const mebibyte = { maxBytes: MiB };

export const packedFiles: CorpusTable = {
  bomb: [
    ['is 16 MiB of zeros in gzip, over a limit of one', () => gzipSync(zeros(16 * MiB)), 'gzip.too-big', mebibyte],
    [
      'is 16 MiB of zeros in zstd, over a limit of one',
      () => zstdCompressSync(zeros(16 * MiB)),
      'zstd.too-big',
      mebibyte,
    ],
    ['is 16 MiB of zeros in gzip, within its limit', () => gzipSync(zeros(16 * MiB)), 'accepted'],
    ['is 16 MiB of zeros in gzip in gzip, within its limit', () => gzipSync(gzipSync(zeros(16 * MiB))), 'accepted'],
    ['is 1.2 MB of zeros in bzip2, over a limit of one MiB', () => zerosInBzip2, 'bzip2.too-big', mebibyte],
    // Refused by what it says of itself, before a byte is unpacked.
    ['is xz, and claims 8 TiB', () => buildXz({ data: disk, indexedBytes: 2 ** 43 }), 'xz.too-big'],
    ['is xz, and claims 2^53 bytes', () => buildXz({ data: disk, indexedBytes: 2 ** 53 }), 'xz.damaged'],
    ['is xz, and claims 2^32 blocks', () => buildXz({ data: disk, indexedBlocks: 2 ** 32 }), 'xz.damaged'],
    ['is xz with a dictionary of 64 MiB', () => buildXz({ data: disk, dictionary: 28 }), 'accepted'],
    ['is xz with a dictionary of 96 MiB', () => buildXz({ data: disk, dictionary: 29 }), 'xz.dictionary'],
    ['is xz with a dictionary of 4 GiB', () => buildXz({ data: disk, dictionary: 40 }), 'xz.dictionary'],
    [
      'is xz with a dictionary of 96 MiB in its second block',
      () => buildXz({ data: disk, secondDictionary: 29 }),
      'xz.window',
    ],
    ['is zstd with a window of 128 MiB', () => zstdWindow(27), 'zstd.window'],
    ['is zstd with a window of 2 GiB', () => zstdWindow(31), 'zstd.window'],
    // A stream costs work to begin, and nothing to write.
    ['is 50,000 gzip files of nothing', () => repeated(gzipSync(zeros(0)), 50_000), 'gzip.streams'],
    ['is 50,000 gzip files of a byte', () => repeated(gzipSync(zeros(1)), 50_000), 'gzip.streams'],
    ['is 100,000 bzip2 files of nothing', () => repeated(emptyBzip2, 100_000), 'bzip2.streams'],
    ['is 1001 xz files', () => repeated(buildXz({ data: disk.subarray(0, 8) }), 1001), 'xz.streams'],
    ['is 100,000 zstd files of nothing', () => repeated(zstdCompressSync(zeros(0)), 100_000), 'format.empty'],
    [
      'is zstd that goes on and holds nothing more',
      () => Buffer.concat([packedZstd, repeated(skippable(64 * KiB), 80)]),
      'zstd.silent',
      { maxSilentBytes: MiB },
    ],
    [
      'is gzip that holds nothing on end',
      () => repeated(namedGzip(60 * KiB, zeros(0)), 80),
      'gzip.silent',
      { maxSilentBytes: MiB },
    ],
    // Nothing can come out of these before a good part went in, so only a lower limit shows it.
    [
      'is xz that holds nothing for long',
      () => buildXz({ data: noise(3 * MiB, 2) }),
      'xz.silent',
      { maxSilentBytes: 1 },
    ],
    ['is bzip2 that holds nothing for long', () => bzip2Noise(3 * MiB), 'bzip2.silent', { maxSilentBytes: 1 }],
    ['has a gzip header that is a name of 64 KiB and more', () => namedGzip(64 * KiB + 1), 'gzip.header'],
    ['is packed three times', () => gzipSync(gzipSync(packedDisk)), 'accepted'],
    ['is packed four times', () => gzipSync(gzipSync(gzipSync(packedDisk))), 'layers.too-many'],
    [
      'is packed four times in three ways',
      () => gzipSync(zstdCompressSync(buildXz({ data: packedDisk }))),
      'layers.too-many',
    ],
  ],
  'guessed format': [
    ['is a packed qcow2 with a backing file', () => gzipSync(withBackingFile()), 'qcow2.backing-file'],
    [
      'is a page of HTML, packed',
      () => gzipSync(Buffer.from('<!DOCTYPE html><html>'.padEnd(128 * KiB))),
      'raw.not-a-disk',
    ],
  ],
  'two identities': [
    ['is gzip with a partition table in it', () => withPartitionTable(namedGzip(600)), 'format.ambiguous'],
    ['is zstd with a disk behind it', () => Buffer.concat([zstdCompressSync(disk), disk]), 'zstd.trailing-bytes'],
    ['is gzip with a disk behind it', () => Buffer.concat([packedDisk, disk, Buffer.from([1])]), 'gzip.trailing-bytes'],
    [
      'is bzip2 with a disk behind it',
      () => Buffer.concat([emptyBzip2, disk, Buffer.from([1])]),
      'bzip2.trailing-bytes',
    ],
    ['is xz with a disk behind it', () => Buffer.concat([buildXz({ data: disk }), disk]), 'xz.truncated'],
  ],
  damage: [
    ['is gzip cut in its trailer', () => packedDisk.subarray(0, -1), 'gzip.truncated'],
    ['is gzip with a wrong sum', () => changed(packedDisk, -5), 'gzip.damaged'],
    ['is gzip by method 7', () => changed(packedDisk, 2), 'gzip.method'],
    ['is gzip with flags of tomorrow', () => poked(packedDisk, 3, 0x20), 'gzip.flags'],
    ['is gzip of nothing', () => gzipSync(zeros(0)), 'format.empty'],
    ['is zstd cut short', () => zstdCompressSync(disk).subarray(0, -1), 'zstd.truncated'],
    ['is zstd with noise in it', () => Buffer.concat([zstdWindow(20).subarray(0, 6), noise(64, 1)]), 'zstd.damaged'],
    ['is xz with check sums that are not read', () => buildXz({ data: disk, check: 10 }), 'xz.check'],
    ['is xz behind a filter', () => buildXz({ data: disk, filter: 4 }), 'xz.filter'],
    ['is xz with options of tomorrow', () => buildXz({ data: disk, blockFlags: 4 }), 'xz.options'],
    ['is xz with a wrong sum', () => changed(buildXz({ data: disk }), 30), 'xz.damaged'],
    ['is xz cut short', () => buildXz({ data: disk }).subarray(0, -4), 'xz.truncated'],
    ['is bzip2 cut short', () => emptyBzip2.subarray(0, -1), 'bzip2.truncated'],
    ['is bzip2 with a wrong sum', () => changed(emptyBzip2, -1), 'bzip2.damaged'],
  ],
};

function repeated(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

/** A zstd frame that is passed over. */
function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(8 + bytes);
  frame.set([0x50, 0x2a, 0x4d, 0x18]);
  frame.writeUInt32LE(bytes, 4);
  return frame;
}

/** The head of a zstd frame that asks for a window of so many bits, and an empty block. */
function zstdWindow(bits: number): Buffer {
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (bits - 10) << 3, 0x01, 0x00, 0x00]);
}

/** A gzip file whose header gives it a name of so many letters. */
function namedGzip(letters: number, bytes: Uint8Array = disk): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, Buffer.alloc(letters, 'a'), Buffer.from([0]), deflateRawSync(bytes), trailer]);
}

function bzip2Noise(bytes: number): Buffer {
  return Buffer.concat([zerosInBzip2.subarray(0, 10), noise(bytes, 3)]);
}

function withPartitionTable(file: Buffer): Buffer {
  file.fill(0, 446, 510);
  file.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 15], 446);
  file.set([0x55, 0xaa], 510);
  return file;
}

function withBackingFile(): Buffer {
  return buildQcow2({ header: { backing_file_offset: 512, backing_file_size: 11 } });
}

function changed(bytes: Uint8Array, at: number): Buffer {
  return poked(bytes, at < 0 ? bytes.length + at : at, 0xff ^ (bytes.at(at) ?? 0));
}

function poked(bytes: Uint8Array, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
