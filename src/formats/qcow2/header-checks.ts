import type { FormatCheck, Violation } from '../disk-format.ts';
import { guestSizeViolation, sectorBytes } from '../guest-size.ts';
import { bitmapCount, extensionTypes, incompatibleFeatureName } from './extensions.ts';
import { hasBit, incompatibleBits } from './features.ts';
import { geometryOf } from './geometry.ts';
import type { Qcow2Header } from './header.ts';

const knownBits = new Set<number>(Object.values(incompatibleBits));

/** QEMU opens no larger tables either (docs/interop/qcow2.txt, block/qcow2.h). */
const maxL1Bytes = 32 * 1024 * 1024;
const maxRefcountTableBytes = 8 * 1024 * 1024;
const maxSnapshots = 65_536;
const maxBitmaps = 65_535;

const flatten = 'Write it out whole, where all of its files are: qemu-img convert -O qcow2 FILE disk.qcow2';
const repair = 'Look at it where it was made: qemu-img check FILE';

/** What a qcow2 header must keep for the file to be read. Asked in this order: features first, as they say what the rest means. */
export const headerChecks: readonly [FormatCheck<Qcow2Header>, ...FormatCheck<Qcow2Header>[]] = [
  { name: 'qcow2.unknown-feature', violation: unknownFeature },
  {
    name: 'qcow2.corrupt',
    violation: ({ incompatible }) =>
      hasBit(incompatible, incompatibleBits.corrupt)
        ? {
            reason: 'The file is marked as corrupt by the program that wrote it.',
            remedy: 'Repair it: qemu-img check -r all FILE',
          }
        : undefined,
  },
  {
    name: 'qcow2.data-file',
    violation: ({ incompatible, extensions }) =>
      hasBit(incompatible, incompatibleBits.dataFile) || extensions.has(extensionTypes.dataFile)
        ? { reason: 'The file keeps its data in another file (external data file).', remedy: flatten }
        : undefined,
  },
  {
    name: 'qcow2.backing-file',
    violation: ({ backingFileOffset, backingFileSize }) =>
      backingFileOffset !== 0n || backingFileSize !== 0
        ? { reason: 'The file is a layer on top of another file (backing file).', remedy: flatten }
        : undefined,
  },
  { name: 'qcow2.encryption', violation: encryption },
  { name: 'qcow2.compression-type', violation: compressionType },
  {
    name: 'qcow2.extended-l2',
    violation: (header) =>
      hasBit(header.incompatible, incompatibleBits.extendedL2) && header.clusterBits < 14
        ? {
            reason: `Sub-clusters (extended L2) need clusters of 16 KiB or more; these have ${header.clusterBytes} bytes.`,
          }
        : undefined,
  },
  { name: 'qcow2.virtual-size', violation: ({ size }) => guestSizeViolation(size) ?? partialSector(size) },
  {
    name: 'qcow2.file-size',
    violation: ({ fileBytes, clusterBytes }) =>
      fileBytes / clusterBytes >= 2 ** 32
        ? { reason: `The file has ${fileBytes} bytes in clusters of ${clusterBytes}: more than 2^32 clusters.` }
        : undefined,
  },
  { name: 'qcow2.l1-table', violation: l1Table },
  { name: 'qcow2.refcount-table', violation: refcountTable },
  { name: 'qcow2.snapshots', violation: snapshots },
  {
    name: 'qcow2.bitmaps',
    // They are left behind unread; but a report tells their number.
    violation: ({ extensions }) => {
      const bitmaps = bitmapCount(extensions);
      return bitmaps <= maxBitmaps
        ? undefined
        : { reason: `The file has ${bitmaps} bitmaps; at most ${maxBitmaps} can be.`, remedy: repair };
    },
  },
];

function unknownFeature({ incompatible, extensions }: Qcow2Header): Violation | undefined {
  for (let bit = 0; bit < 64; bit++) {
    if (!hasBit(incompatible, bit) || knownBits.has(bit)) continue;
    const name = incompatibleFeatureName(extensions, bit);
    const called = name === undefined ? 'which it does not name' : `which it calls "${name}"`;
    return { reason: `The file needs feature bit ${bit}, ${called}, and which is not known here.`, remedy: flatten };
  }
  return undefined;
}

function encryption({ cryptMethod, extensions }: Qcow2Header): Violation | undefined {
  if (cryptMethod === 0 && !extensions.has(extensionTypes.encryptionHeader)) return undefined;
  const method = ['with a LUKS header', 'with AES', 'with LUKS'][cryptMethod] ?? `by unknown method ${cryptMethod}`;
  return {
    reason: `The disk is encrypted ${method} and cannot be read without its key.`,
    remedy:
      'Decrypt it: qemu-img convert --object secret,id=key,file=KEYFILE --image-opts driver=qcow2,file.filename=FILE,encrypt.key-secret=key -O qcow2 disk.qcow2',
  };
}

function compressionType({ incompatible, compressionType: type }: Qcow2Header): Violation | undefined {
  if (!hasBit(incompatible, incompatibleBits.compressionType)) {
    return type === 0
      ? undefined
      : { reason: `compression_type is ${type} but feature bit 3, which allows it, is not set.` };
  }
  if (type === 1) return undefined;
  return type === 0
    ? { reason: 'Feature bit 3 says that the compression type is not zlib, and compression_type says that it is.' }
    : { reason: `compression_type is ${type}; only 0 (zlib) and 1 (zstd) exist.` };
}

/** QEMU drops the part of a sector at such a disk's end; no program is known to write one. */
function partialSector(size: bigint): Violation | undefined {
  if (size % BigInt(sectorBytes) === 0n) return undefined;
  return {
    reason: `The disk has ${size} bytes, not a whole number of ${sectorBytes}-byte sectors: programs do not agree on what its end holds.`,
    remedy: 'Round its size up where it was made: qemu-img resize FILE SIZE',
  };
}

function l1Table(header: Qcow2Header): Violation | undefined {
  const { l1Entries, l1Offset } = header;
  if (l1Entries * 8 > maxL1Bytes) {
    return { reason: `The L1 table has ${l1Entries} entries; at most ${maxL1Bytes / 8} are read.` };
  }
  const needed = Math.ceil(Number(header.size) / geometryOf(header).tableSpanBytes);
  if (l1Entries < needed) {
    return { reason: `The L1 table has ${l1Entries} entries; a disk of ${header.size} bytes needs ${needed}.` };
  }
  return tablePlace(header, 'L1 table', l1Offset, l1Entries * 8);
}

function refcountTable(header: Qcow2Header): Violation | undefined {
  const { refcountOrder, refcountTableClusters, refcountTableOffset, clusterBytes } = header;
  if (refcountOrder > 6) return { reason: `refcount_order is ${refcountOrder}; it can be 0 to 6.` };
  const bytes = refcountTableClusters * clusterBytes;
  if (bytes === 0 || bytes > maxRefcountTableBytes) {
    return {
      reason: `The refcount table has ${bytes} bytes; it can have 1 to ${maxRefcountTableBytes}.`,
      remedy: repair,
    };
  }
  return tablePlace(header, 'refcount table', refcountTableOffset, bytes);
}

/** Internal snapshots are left behind, so their table is not read; it is only held to what QEMU holds it to. */
function snapshots(header: Qcow2Header): Violation | undefined {
  if (header.snapshots === 0) return undefined;
  if (header.snapshots > maxSnapshots) {
    return { reason: `The file has ${header.snapshots} internal snapshots; at most ${maxSnapshots} can be.` };
  }
  const leastEntryBytes = 40;
  return tablePlace(header, 'snapshot table', header.snapshotsOffset, header.snapshots * leastEntryBytes);
}

/** A table begins on a cluster border behind the header's cluster, and ends within the file. */
function tablePlace(header: Qcow2Header, name: string, offset: bigint, bytes: number): Violation | undefined {
  const { clusterBytes, fileBytes } = header;
  if (offset % BigInt(clusterBytes) !== 0n)
    return { reason: `The ${name} at ${offset} is not on a cluster border.`, remedy: repair };
  if (offset === 0n) return { reason: `The ${name} is said to stand where the header is.`, remedy: repair };
  if (offset + BigInt(bytes) > BigInt(fileBytes)) {
    return {
      reason: `The ${name} (${bytes} bytes at ${offset}) is not within the file, which has ${fileBytes} bytes: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    };
  }
  return undefined;
}
