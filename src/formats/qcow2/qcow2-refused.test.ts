import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
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
  type Qcow2Parts,
  zstandard,
} from '../../../test/fixtures/qcow2-builder.ts';
import { refusalOf } from '../../../test/fixtures/read-disk.ts';
import { ImageRefused } from '../image-refused.ts';
import { openDisk } from '../open-disk.ts';

const text = pattern(7);
const zstd = { incompatible_features: 8, compression_type: 1 };

/** One compressed cluster of these encoded bytes, whatever the entry says of it. */
function compressedFile(encoded: Uint8Array, rest: Qcow2Parts = {}): Qcow2Parts {
  return { l2: [compressedEntry(dataOffset(0), encoded.length)], data: [encoded], ...rest };
}

function featureName(bit: number, name: string): Uint8Array {
  const entry = Buffer.alloc(48);
  entry[1] = bit;
  entry.write(name, 2, 'latin1');
  return entry;
}

/** What is wrong with the file, the file, and the check that must refuse it. */
const hostile: [string, Qcow2Parts, string][] = [
  // Files that lead to other files.
  ['has a backing file', { header: { backing_file_offset: 512, backing_file_size: 11 } }, 'qcow2.backing-file'],
  ['has a backing file name without an offset', { header: { backing_file_size: 11 } }, 'qcow2.backing-file'],
  ['has a backing file name of no length', { header: { backing_file_offset: 512 } }, 'qcow2.backing-file'],
  ['has an external data file', { header: { incompatible_features: 4 } }, 'qcow2.data-file'],
  [
    'names an external data file without the feature bit',
    { extensions: [{ type: 0x44415441, data: Buffer.from('/etc/passwd') }] },
    'qcow2.data-file',
  ],

  // Features.
  ['is version 1', { header: { version: 1 } }, 'qcow2.version'],
  ['is version 4', { header: { version: 4 } }, 'qcow2.version'],
  ['is marked as corrupt', { header: { incompatible_features: 2 } }, 'qcow2.corrupt'],
  ['needs unknown feature 5', { header: { incompatible_features: 1 << 5 } }, 'qcow2.unknown-feature'],
  ['needs unknown feature 63', { header: { incompatible_features: 1n << 63n } }, 'qcow2.unknown-feature'],
  ['is encrypted with AES', { header: { crypt_method: 1 } }, 'qcow2.encryption'],
  ['is encrypted with LUKS', { header: { crypt_method: 2 } }, 'qcow2.encryption'],
  ['is encrypted by an unknown method', { header: { crypt_method: 7 } }, 'qcow2.encryption'],
  ['has an encryption header', { extensions: [{ type: 0x0537be77, data: Buffer.alloc(16) }] }, 'qcow2.encryption'],
  ['has a compression type without its bit', { header: { compression_type: 1 } }, 'qcow2.compression-type'],
  ['has the compression bit without a type', { header: { incompatible_features: 8 } }, 'qcow2.compression-type'],
  ['has compression type 2', { header: { incompatible_features: 8, compression_type: 2 } }, 'qcow2.compression-type'],
  ['has sub-clusters in clusters of 4 KiB', { header: { incompatible_features: 16 } }, 'qcow2.extended-l2'],

  // Sizes in the header.
  ['has clusters of 256 bytes', { header: { cluster_bits: 8 } }, 'qcow2.cluster-size'],
  ['has clusters of 4 MiB', { header: { cluster_bits: 22 } }, 'qcow2.cluster-size'],
  ['has clusters of 2^4294967295 bytes', { header: { cluster_bits: 0xffffffff } }, 'qcow2.cluster-size'],
  ['has a header of 0 bytes', { header: { header_length: 0 } }, 'qcow2.header-length'],
  ['has a header of 105 bytes', { header: { header_length: 105 } }, 'qcow2.header-length'],
  ['has a header past its first cluster', { header: { header_length: 8192 } }, 'qcow2.header-length'],
  ['has an empty disk', { header: { size: 0 } }, 'qcow2.virtual-size'],
  ['has a disk of 1000 bytes', { header: { size: 1000 } }, 'qcow2.virtual-size'],
  ['has a disk of 4 TiB and a sector', { header: { size: 4 * 2 ** 40 + 512 } }, 'qcow2.virtual-size'],
  ['has a disk of 2^64 - 512 bytes', { header: { size: (1n << 64n) - 512n } }, 'qcow2.virtual-size'],
  ['has 2^31 snapshots', { header: { nb_snapshots: 2 ** 31, snapshots_offset: 4096 } }, 'qcow2.snapshots'],
  ['has its snapshots past the end', { header: { nb_snapshots: 1, snapshots_offset: 1 << 30 } }, 'qcow2.snapshots'],
  ['has 2^31 bitmaps', { extensions: [{ type: 0x23852875, data: Buffer.alloc(24, 0x80) }] }, 'qcow2.bitmaps'],
  ['has reference counts of 128 bits', { header: { refcount_order: 7 } }, 'qcow2.refcount-table'],
  ['has no refcount table', { header: { refcount_table_clusters: 0 } }, 'qcow2.refcount-table'],
  ['has a refcount table of 8 TiB', { header: { refcount_table_clusters: 2 ** 31 } }, 'qcow2.refcount-table'],
  [
    'has an extension of 4 GiB',
    { extensions: [{ type: 1, data: Buffer.alloc(8), claimedLength: 0xfffffff8 }] },
    'qcow2.extension',
  ],

  // The L1 table.
  ['has an L1 table of 16 GiB', { header: { l1_size: 0x7fffffff } }, 'qcow2.l1-table'],
  ['has an L1 table of 32 MiB past its end', { header: { l1_size: 4 * 2 ** 20 } }, 'qcow2.l1-table'],
  ['has an L1 table too small for its disk', { header: { size: 2 ** 40 } }, 'qcow2.l1-table'],
  ['has no L1 table', { header: { l1_size: 0 } }, 'qcow2.l1-table'],
  ['has its L1 table on no border', { header: { l1_table_offset: l1Offset + 8 } }, 'qcow2.l1-table'],
  ['has its L1 table in its header', { header: { l1_table_offset: 0 } }, 'qcow2.l1-table'],
  ['has its L1 table past 2^64', { header: { l1_table_offset: (1n << 64n) - 4096n } }, 'qcow2.l1-table'],
  ['has its L1 table in its refcount table', { header: { l1_table_offset: clusterBytes } }, 'qcow2.overlap'],
  ['has an L2 table past its end', { l1: [copied(1n << 40n)] }, 'qcow2.truncated'],
  ['has an L2 table that ends past its end', { fileBytes: dataOffset(0) - 1 }, 'qcow2.truncated'],
  ['has an L2 table on no border', { l1: [copied(l2Offset + 512)] }, 'qcow2.l1-entry'],
  ['has reserved bits in an L1 entry', { l1: [copied(l2Offset) | 1n] }, 'qcow2.l1-entry'],
  ['has its L1 table as an L2 table', { l1: [copied(l1Offset)] }, 'qcow2.overlap'],
  ['shares one L2 table', { l1: [copied(l2Offset), copied(l2Offset)], header: { size: 4 * 2 ** 20 } }, 'qcow2.overlap'],

  // L2 entries.
  ['keeps a cluster past its end', { l2: [copied(1n << 40n)] }, 'qcow2.truncated'],
  ['keeps a cluster at 2^56 - 4096', { l2: [copied((1n << 56n) - 4096n)] }, 'qcow2.truncated'],
  ['keeps a cluster on no border', { l2: [copied(dataOffset(0) + 512)] }, 'qcow2.l2-entry'],
  ['keeps a cluster in its header', { l2: [copied(0)] }, 'qcow2.l2-entry'],
  ['keeps a cluster in its refcount table', { l2: [copied(clusterBytes)] }, 'qcow2.overlap'],
  ['keeps a cluster in its L1 table', { l2: [copied(l1Offset)] }, 'qcow2.overlap'],
  ['keeps a cluster in its L2 table', { l2: [copied(l2Offset)] }, 'qcow2.overlap'],
  ['has reserved bits in an L2 entry', { l2: [copied(dataOffset(0)) | 2n] }, 'qcow2.l2-entry'],
  ['has reserved high bits in an L2 entry', { l2: [copied(dataOffset(0)) | (1n << 56n)] }, 'qcow2.l2-entry'],
  ['has the zero flag in version 2', { header: { version: 2 }, l2: [1n] }, 'qcow2.l2-entry'],
  [
    'names one cluster 512 times',
    { header: { size: 512 * clusterBytes }, l2: Array.from({ length: 512 }, () => BigInt(dataOffset(0))) },
    'qcow2.amplification',
  ],

  // Compressed clusters.
  [
    'has a compressed cluster of noise',
    compressedFile(Buffer.alloc(600, '\xff\x13', 'latin1')),
    'qcow2.compressed-cluster',
  ],
  ['has a compressed cluster of zeros', compressedFile(new Uint8Array(512)), 'qcow2.compressed-cluster'],
  [
    'has a cluster that inflates to 1000 bytes',
    compressedFile(deflated(text.subarray(0, 1000))),
    'qcow2.compressed-cluster',
  ],
  [
    'has a cluster that inflates to 16 clusters',
    compressedFile(deflated(pattern(1, 65536))),
    'qcow2.compressed-cluster',
  ],
  [
    'has a cluster that inflates to 64 MiB',
    compressedFile(deflated(new Uint8Array(1 << 26)).subarray(0, 4096)),
    'qcow2.compressed-cluster',
  ],
  [
    'has a compressed cluster without its last bytes',
    compressedFile(deflated(text).subarray(0, -4), { l2: [compressedEntry(dataOffset(0), 512)] }),
    'qcow2.compressed-cluster',
  ],
  ['has a compressed cluster past its end', { l2: [(1n << 62n) | (1n << 40n)] }, 'qcow2.truncated'],
  ['has a compressed cluster in its header', { l2: [1n << 62n] }, 'qcow2.overlap'],
  ['has a compressed cluster in its L2 table', { l2: [compressedEntry(l2Offset + 100, 300)] }, 'qcow2.overlap'],
  [
    'has a compressed cluster with the copied flag',
    { l2: [copied(compressedEntry(dataOffset(0), 512))] },
    'qcow2.l2-entry',
  ],
  ['has a zstd cluster of noise', compressedFile(Buffer.alloc(600, 7), { header: zstd }), 'qcow2.compressed-cluster'],
  [
    'has a zstd cluster of 1000 bytes',
    compressedFile(zstandard(text.subarray(0, 1000)), { header: zstd }),
    'qcow2.compressed-cluster',
  ],
  [
    'has a zstd cluster of 16 clusters',
    compressedFile(zstandard(pattern(1, 65536)), { header: zstd }),
    'qcow2.compressed-cluster',
  ],
  [
    'has a zstd cluster cut short',
    compressedFile(zstandard(text).subarray(0, -3), { header: zstd }),
    'qcow2.compressed-cluster',
  ],
];

for (const [what, parts, check] of hostile) {
  test(`refuses a qcow2 that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(buildQcow2(parts))), check);
  });
}

test('refuses again what it refused', async () => {
  const l2 = Array.from({ length: 512 }, () => BigInt(dataOffset(0)));
  const { map } = await openDisk(new MemorySource(buildQcow2({ header: { size: 512 * clusterBytes }, l2 })));
  for (let i = 0; i < 2; i++) await assert.rejects(map.runs(0, clusterBytes), { check: 'qcow2.amplification' });
});

test('refuses a qcow2 at every length it can be cut to, or reads what the cut left whole', async () => {
  const whole = buildQcow2();
  // The last cluster's end is nothing but data: a disk that ends there would need it, this one goes on, so all cuts are damage.
  for (const length of [
    1,
    3,
    4,
    8,
    71,
    72,
    103,
    104,
    111,
    112,
    4095,
    4096,
    l1Offset,
    l1Offset + 7,
    l2Offset,
    dataOffset(0),
  ]) {
    assert.notEqual(await refusalOf(new MemorySource(whole.subarray(0, length))), undefined, `cut to ${length}`);
  }
  assert.equal(await refusalOf(new MemorySource(whole.subarray(0, whole.length - 1))), 'qcow2.truncated');
});

test('says which unknown feature a qcow2 needs, by the name in the file, safe to print', async () => {
  const file = buildQcow2({
    header: { incompatible_features: 1n << 9n },
    extensions: [{ type: 0x6803f857, data: featureName(9, 'time\x1b[31mtravel\xff') }],
  });
  await assert.rejects(openDisk(new MemorySource(file)), (refusal) => {
    assert.ok(refusal instanceof ImageRefused);
    assert.match(refusal.reason, /feature bit 9, which it calls "time\?\[31mtravel\?"/);
    return true;
  });
});

test('refuses a table of 4 million entries within 64 MiB and 1 s of CPU', async () => {
  // Clusters of 512 bytes, a disk of 128 GiB, and an L1 table of 32 MiB: the largest there is. Its last entry is a loop.
  const l1Bytes = 32 * 2 ** 20;
  const head = buildQcow2({
    header: {
      cluster_bits: 9,
      size: 128 * 2 ** 30,
      l1_size: l1Bytes / 8,
      l1_table_offset: clusterBytes,
      refcount_table_offset: 512,
    },
  });
  let longestRead = 0;
  const source = {
    sizeBytes: 6 * 2 ** 30,
    async read(offset: number, length: number) {
      longestRead = Math.max(longestRead, length);
      const bytes = Buffer.alloc(length);
      if (offset < clusterBytes) head.copy(bytes, 0, offset, clusterBytes);
      for (let at = Math.max(offset, clusterBytes); at < offset + length && at < clusterBytes + l1Bytes; at += 8) {
        const index = (at - clusterBytes) / 8;
        const isLast = index === l1Bytes / 8 - 1;
        const table = isLast ? clusterBytes : 2 ** 30 + (index ^ 0x155555) * 512;
        bytes.writeUInt32BE(table >>> 0, at - offset + 4);
        bytes.writeUInt32BE(Math.floor(table / 2 ** 32), at - offset);
      }
      return bytes;
    },
    async [Symbol.asyncDispose]() {},
  };
  const started = process.cpuUsage();
  await assert.rejects(openDisk(source), { check: 'qcow2.overlap' });
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
  // Two tables of 4-byte numbers and the pieces that are read: 16 + 16 MiB, and garbage of 1 MiB each.
  assert.ok(longestRead <= 2 ** 20, `${longestRead} bytes in a read`);
});
