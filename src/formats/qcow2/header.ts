import { ImageRefused } from '../image-refused.ts';
import { hasMark } from '../probe.ts';
import { readExtensions } from './extensions.ts';

/*
 * Source: QEMU's docs/interop/qcow2.txt. All numbers are big-endian.
 *
 * offset size field
 *      0    4 magic: "QFI\xfb"
 *      4    4 version: 2 or 3
 *      8    8 backing_file_offset: 0 without a backing file
 *     16    4 backing_file_size
 *     20    4 cluster_bits: a cluster has 1 << cluster_bits bytes
 *     24    8 size: of the disk, in bytes
 *     32    4 crypt_method: 0 none, 1 AES, 2 LUKS
 *     36    4 l1_size: entries in the L1 table
 *     40    8 l1_table_offset
 *     48    8 refcount_table_offset
 *     56    4 refcount_table_clusters
 *     60    4 nb_snapshots
 *     64    8 snapshots_offset
 *             version 3 only:
 *     72    8 incompatible_features
 *     80    8 compatible_features
 *     88    8 autoclear_features
 *     96    4 refcount_order: a reference count has 1 << refcount_order bits; 4 in version 2
 *    100    4 header_length: at least 104, a multiple of 8; 72 in version 2
 *    104    1 compression_type: 0 zlib, 1 zstd; 0 where the header is shorter
 *             header extensions follow at header_length
 */
const version2Length = 72;
const version3Length = 104;
const compressionTypeOffset = 104;

/** Today's headers have 112 bytes. There is room for any that may come, and none for a table passed off as a header. */
const maxHeaderLength = 4096;

/** Clusters from 512 bytes (the specification's least) to 2 MiB (the most that QEMU opens). */
const minClusterBits = 9;
const maxClusterBits = 21;

/** A qcow2 header as it is written: 64-bit fields are bigints until a check has said that they are sane. */
export interface Qcow2Header {
  /** Length of the file in bytes. */
  readonly fileBytes: number;
  readonly version: 2 | 3;
  readonly backingFileOffset: bigint;
  readonly backingFileSize: number;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  /** Size of the disk in bytes. */
  readonly size: bigint;
  readonly cryptMethod: number;
  readonly l1Entries: number;
  readonly l1Offset: bigint;
  readonly refcountTableOffset: bigint;
  readonly refcountTableClusters: number;
  readonly snapshots: number;
  readonly snapshotsOffset: bigint;
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  readonly refcountOrder: number;
  readonly headerLength: number;
  readonly compressionType: number;
  readonly extensions: ReadonlyMap<number, Uint8Array>;
}

export function isQcow(head: Uint8Array): boolean {
  return hasMark(head, 0, 'QFI\xfb');
}

/**
 * Reads the header and its extensions from the beginning of a file. Only what the layout of the rest hangs on is judged
 * here: the version, the header's length, the cluster size, the extensions' lengths.
 *
 * @throws ImageRefused
 */
export function readHeader(head: Uint8Array, fileBytes: number): Qcow2Header {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  needHeader(head, 8);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) {
    throw new ImageRefused({
      check: 'qcow2.version',
      reason:
        version === 1
          ? 'The file is a qcow (version 1) disk.'
          : `The file is qcow version ${version}, which does not exist.`,
      ...(version === 1 && { remedy: 'Convert it: qemu-img convert -f qcow -O qcow2 FILE disk.qcow2' }),
    });
  }
  needHeader(head, version === 2 ? version2Length : version3Length);

  const clusterBits = view.getUint32(20);
  if (clusterBits < minClusterBits || clusterBits > maxClusterBits) {
    throw new ImageRefused({
      check: 'qcow2.cluster-size',
      reason: `cluster_bits is ${clusterBits}; it can be ${minClusterBits} to ${maxClusterBits}.`,
    });
  }
  const clusterBytes = 2 ** clusterBits;

  const headerLength = version === 2 ? version2Length : view.getUint32(100);
  const shortest = version === 2 ? version2Length : version3Length;
  if (
    headerLength < shortest ||
    headerLength % 8 !== 0 ||
    headerLength > Math.min(clusterBytes, maxHeaderLength) ||
    headerLength > head.length
  ) {
    throw new ImageRefused({
      check: 'qcow2.header-length',
      reason: `header_length is ${headerLength}; it must be a multiple of 8, ${version3Length} to ${maxHeaderLength}, and within the first cluster.`,
    });
  }

  const version3 = version === 3;
  return {
    fileBytes,
    version,
    backingFileOffset: view.getBigUint64(8),
    backingFileSize: view.getUint32(16),
    clusterBits,
    clusterBytes,
    size: view.getBigUint64(24),
    cryptMethod: view.getUint32(32),
    l1Entries: view.getUint32(36),
    l1Offset: view.getBigUint64(40),
    refcountTableOffset: view.getBigUint64(48),
    refcountTableClusters: view.getUint32(56),
    snapshots: view.getUint32(60),
    snapshotsOffset: view.getBigUint64(64),
    incompatible: version3 ? view.getBigUint64(72) : 0n,
    compatible: version3 ? view.getBigUint64(80) : 0n,
    autoclear: version3 ? view.getBigUint64(88) : 0n,
    refcountOrder: version3 ? view.getUint32(96) : 4,
    headerLength,
    compressionType: headerLength > compressionTypeOffset ? view.getUint8(compressionTypeOffset) : 0,
    extensions: readExtensions(head.subarray(0, clusterBytes), headerLength),
  };
}

function needHeader(head: Uint8Array, bytes: number): void {
  if (head.length >= bytes) return;
  throw new ImageRefused({
    check: 'qcow2.truncated',
    reason: `The file ends within its header: it has ${head.length} bytes of ${bytes}.`,
  });
}
