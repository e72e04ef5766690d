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
} from '../fixtures/qcow2-builder.ts';
import type { SparseFile } from '../fixtures/sparse-file.ts';
import { buildFooter } from '../fixtures/vhd-builder.ts';
import { type CorpusRow, type CorpusTable, GiB, KiB, MiB, TiB } from './corpus-table.ts';

const made = (what: string, parts: Qcow2Parts, outcome: string): CorpusRow => [what, () => buildQcow2(parts), outcome];

/** The names that were used against services whose tools follow them. */
const names = [
  '/etc/passwd',
  '../../../../etc/shadow',
  'disk.qcow2',
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  'nbd://127.0.0.1:10809/disk',
  'json:{"driver":"raw","file":{"driver":"file","filename":"/dev/vda"}}',
];

const refusedLayer = 'qcow2.backing-file';
const badL1 = 'qcow2.l1-table';
const badCluster = 'qcow2.compressed-cluster';
const zstd = { incompatible_features: 8, compression_type: 1 };

export const qcow2Files: CorpusTable = {
  'backing file': [
    ...names.map((name): CorpusRow => [`names ${name} as its backing file`, () => withBackingFile(name), refusedLayer]),
    made('has a backing file with a name of no length', { header: { backing_file_offset: 512 } }, refusedLayer),
    made('has a backing file with a name at no offset', { header: { backing_file_size: 11 } }, refusedLayer),
    made(
      'has a backing file with a name of 4 GiB at 2^64 - 1',
      { header: { backing_file_offset: 2n ** 64n - 1n, backing_file_size: 0xffffffff } },
      refusedLayer,
    ),
    // Its own first clusters hold all it needs at first sight: a tool that looks only there finds nothing to refuse.
    [
      'has a backing file below clusters that are all there',
      () =>
        buildQcow2({
          header: { size: 3 * clusterBytes, backing_file_offset: 512, backing_file_size: 11 },
        }),
      refusedLayer,
    ],
  ],
  'data file': [
    made('keeps its data in another file', { header: { incompatible_features: 4 } }, 'qcow2.data-file'),
    made(
      'names a data file, and has the bit for it',
      { header: { incompatible_features: 4 }, extensions: [dataFile('/etc/passwd')] },
      'qcow2.data-file',
    ),
    made(
      'names a data file by json: and has no bit for it',
      { extensions: [dataFile('json:{"driver":"host_device","filename":"/dev/vda"}')] },
      'qcow2.data-file',
    ),
  ],
  'guessed format': [
    // What is in a disk is its guest's: it is not looked at again for a format.
    [
      'has a guest that begins as a qcow2 with a backing file does',
      () => buildQcow2({ data: [withBackingFile('/etc/passwd').subarray(0, clusterBytes)] }),
      'accepted',
    ],
  ],
  'two identities': [
    [
      'ends as a fixed VHD does',
      () => Buffer.concat([buildQcow2(), buildFooter({ type: 2, data_offset: -1n, current_size: dataOffset(3) })]),
      'format.ambiguous',
    ],
    ['ends as a DMG does', () => withEnd('koly\0\0\0\x04\0\0\x02\0'), 'format.ambiguous'],
    [
      'is a CD in the rest of its first cluster',
      () => ({ sizeBytes: 10 * 64 * KiB, parts: [...largeClusters(0n).parts, [0x8001, Buffer.from('CD001')]] }),
      'format.ambiguous',
    ],
  ],
  size: [
    made('has a disk of 4 TiB and a sector', { header: { size: 4 * TiB + 512 } }, 'qcow2.virtual-size'),
    made('has a disk of 2^63 bytes', { header: { size: 1n << 63n } }, 'qcow2.virtual-size'),
    made('has a disk of 2^64 - 512 bytes', { header: { size: 2n ** 64n - 512n } }, 'qcow2.virtual-size'),
    made('has a disk of 2^53 + 512 bytes', { header: { size: (1n << 53n) + 512n } }, 'qcow2.virtual-size'),
    made('has a disk of a sector and a half', { header: { size: 768 } }, 'qcow2.virtual-size'),
    made('has a disk of 0 bytes', { header: { size: 0 } }, 'qcow2.virtual-size'),
    made('has clusters of 2^(2^32 - 1) bytes', { header: { cluster_bits: 0xffffffff } }, 'qcow2.cluster-size'),
    [
      'has more clusters than 2^32',
      () => ({ sizeBytes: 2 * TiB, parts: tinyClusters({ size: 32 * KiB }).parts }),
      'qcow2.file-size',
    ],
  ],
  table: [
    ['has the largest L1 table, 32 MiB', () => tinyClusters({ l1_size: 4 * MiB, size: 128 * GiB }), 'accepted'],
    ['has an L1 table of an entry more', () => tinyClusters({ l1_size: 4 * MiB + 1, size: 128 * GiB }), badL1],
    ['has an L1 table of 2^32 - 1 entries', () => tinyClusters({ l1_size: 0xffffffff, size: 128 * GiB }), badL1],
    ['has an L1 table an entry too short', () => tinyClusters({ l1_size: 4 * MiB - 1, size: 128 * GiB }), badL1],
    ['has the largest refcount table, 8 MiB', () => tinyClusters({ refcount_table_clusters: 16 * KiB }), 'accepted'],
    [
      'has a refcount table of a cluster more',
      () => tinyClusters({ refcount_table_clusters: 16 * KiB + 1 }),
      'qcow2.refcount-table',
    ],
    [
      'has a refcount table of 2^32 - 1 clusters',
      () => tinyClusters({ refcount_table_clusters: 0xffffffff }),
      'qcow2.refcount-table',
    ],
    ['has 65,536 snapshots', () => tinyClusters({ nb_snapshots: 65_536, snapshots_offset: 48 * MiB }), 'accepted'],
    ['has 65,537', () => tinyClusters({ nb_snapshots: 65_537, snapshots_offset: 48 * MiB }), 'qcow2.snapshots'],
    ['has 2^32 - 1', () => tinyClusters({ nb_snapshots: 0xffffffff, snapshots_offset: 48 * MiB }), 'qcow2.snapshots'],
    made('has a header of 4096 bytes', { header: { header_length: 4096 } }, 'accepted'),
    made('has a header of 4104 bytes', { header: { header_length: 4104 } }, 'qcow2.header-length'),
    made('has a header of 2^32 - 8 bytes', { header: { header_length: 0xfffffff8 } }, 'qcow2.header-length'),
    made(
      'has an extension of 2^32 - 1 bytes',
      { extensions: [{ type: 1, data: Buffer.alloc(8), claimedLength: 0xffffffff }] },
      'qcow2.extension',
    ),
  ],
  overlap: [
    made('has its L1 table as an L2 table', { l1: [copied(l1Offset)] }, 'qcow2.overlap'),
    made('has its header as its L1 table', { header: { l1_table_offset: 0 } }, 'qcow2.l1-table'),
    made('keeps a cluster in its L2 table', { l2: [copied(l2Offset)] }, 'qcow2.overlap'),
    made('keeps a cluster in its header', { l2: [compressedEntry(0, 512)] }, 'qcow2.overlap'),
    made(
      'has one L2 table twice',
      { l1: [copied(l2Offset), copied(l2Offset)], header: { size: 4 * MiB } },
      'qcow2.overlap',
    ),
    [
      'has 4 million L2 tables, and one is a loop',
      () => tinyClusters({ l1_size: 4 * MiB, size: 128 * GiB }, looping()),
      'qcow2.overlap',
    ],
    made('names one cluster twice', { l2: [copied(dataOffset(0)), BigInt(dataOffset(0))] }, 'accepted'),
    ['names one cluster 8192 times', () => largeClusters(BigInt(5 * 64 * KiB)), 'qcow2.amplification'],
    [
      'names one compressed cluster 8192 times',
      () => largeClusters(compressedEntry(5 * 64 * KiB, 512, 16)),
      'qcow2.amplification',
    ],
  ],
  bomb: [
    ['has a cluster of zlib that inflates to 64 MiB', () => compressed(deflated(new Uint8Array(64 * MiB))), badCluster],
    [
      'has a cluster of zstd that inflates to 64 MiB',
      () => compressed(zstandard(new Uint8Array(64 * MiB)), zstd),
      badCluster,
    ],
    ['has a cluster of zstd with a window of 2 GiB', () => compressed(zstdWindow(31), zstd), badCluster],
    ['has a cluster of zlib that ends too early', () => compressed(deflated(pattern(0, 1000))), badCluster],
  ],
  'stale data': [
    made('leaves clusters unwritten', { l2: [copied(dataOffset(1)), 0n, 1n] }, 'accepted'),
    // What a program reads there depends on what else is on its disk.
    made('keeps a cluster past its end', { l2: [copied(dataOffset(3))] }, 'qcow2.truncated'),
  ],
};

function withBackingFile(name: string): Buffer {
  const file = buildQcow2({ header: { backing_file_offset: 512, backing_file_size: name.length } });
  file.write(name, 512);
  return file;
}

function dataFile(name: string) {
  return { type: 0x44415441, data: Buffer.from(name) };
}

function withEnd(mark: string): Buffer {
  const end = Buffer.alloc(512);
  end.write(mark, 'latin1');
  return Buffer.concat([buildQcow2(), end]);
}

/** One compressed cluster of these bytes, or of as many of them as one can have. */
function compressed(encoded: Uint8Array, header: Qcow2Parts['header'] = {}): Buffer {
  const kept = encoded.subarray(0, clusterBytes);
  return buildQcow2({ header, l2: [compressedEntry(dataOffset(0), kept.length)], data: [kept] });
}

/** The head of a zstd frame that asks for a window of so many bits, and one empty block. */
function zstdWindow(bits: number): Buffer {
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (bits - 10) << 3, 0x01, 0x00, 0x00]);
}

/** Clusters of 512 bytes, the smallest: the largest tables for a disk. The L1 table is at 4 KiB, all zeros. */
function tinyClusters(header: Qcow2Parts['header'], l1: Uint8Array = Buffer.alloc(0)): SparseFile {
  const fields = { cluster_bits: 9, size: 32 * KiB, l1_table_offset: 4 * KiB, refcount_table_offset: 512, ...header };
  const tablesEnd = 64 * MiB;
  const refcounts = { refcount_table_offset: 'refcount_table_clusters' in fields ? 36 * MiB : 512 };
  const head = buildQcow2({ header: { ...fields, ...refcounts } }).subarray(0, 512);
  return {
    sizeBytes: tablesEnd,
    parts: [
      [0, head],
      [4 * KiB, l1],
    ],
  };
}

/** 4 million entries in no order, of which the last is the table itself. */
function looping(): Buffer {
  const entries = 4 * MiB;
  const l1 = Buffer.alloc(entries * 8);
  for (let i = 0; i < entries; i++) l1.writeUInt32BE(36 * MiB + (i % 50_000) * 512, i * 8 + 4);
  l1.writeUInt32BE(4 * KiB, (entries - 1) * 8 + 4);
  return l1;
}

/** Clusters of 64 KiB, and one full L2 table of the same entry: 512 MiB of guest. */
function largeClusters(entry: bigint): SparseFile {
  const at = (cluster: number) => cluster * 64 * KiB;
  const head = buildQcow2({
    header: { cluster_bits: 16, size: 512 * MiB, l1_table_offset: at(3), refcount_table_offset: at(1) },
  }).subarray(0, clusterBytes);
  const l1 = Buffer.alloc(8);
  l1.writeBigUInt64BE(copied(at(4)));
  const l2 = Buffer.alloc(64 * KiB);
  for (let i = 0; i < 8192; i++) l2.writeBigUInt64BE(entry, i * 8);
  const data = deflated(Buffer.alloc(64 * KiB, 'one cluster; '));
  return {
    sizeBytes: at(6),
    parts: [
      [0, head],
      [at(3), l1],
      [at(4), l2],
      [at(5), data],
    ],
  };
}
