import type { Geometry } from './geometry.ts';

/*
 * L2 entry, 8 bytes big-endian (16 with extended L2).
 *
 * Bit 62 clear, a standard cluster:
 *   bit  0      the cluster reads as zeros (version 3 without extended L2; reserved otherwise)
 *   bits 1-8    reserved, 0
 *   bits 9-55   offset of the cluster, on a cluster border; 0: unallocated
 *   bits 56-61  reserved, 0
 *   bit  63     the cluster has a reference count of exactly one
 *   extended L2 adds a word: bit x: sub-cluster x is allocated; bit 32 + x: it reads as zeros; never both
 *
 * Bit 62 set, a compressed cluster, with x = 62 - (cluster_bits - 8):
 *   bits 0 to x-1  offset of its bytes, on no border
 *   bits x to 61   512-byte sectors it takes beyond the one it begins in
 *   bit  63        0
 *   extended L2: the second word is reserved, 0
 */

/** What an L2 entry says of its cluster. */
export type Cluster =
  | { readonly kind: 'hole' }
  | { readonly kind: 'zero' }
  | { readonly kind: 'plain'; readonly fileOffset: number }
  /** Each sub-cluster for itself: bit x of `allocated` and of `zeros` is sub-cluster x; neither bit is a hole. */
  | { readonly kind: 'mixed'; readonly fileOffset: number; readonly allocated: number; readonly zeros: number }
  | { readonly kind: 'compressed'; readonly fileOffset: number; readonly fileLength: number }
  | { readonly kind: 'bad'; readonly what: string };

const hole: Cluster = { kind: 'hole' };
const zero: Cluster = { kind: 'zero' };

const copiedFlag = 0x80000000;
const compressedFlag = 0x40000000;
const allSubclusters = 0xffffffff;

/** Whether an entry (its upper half) is of a compressed cluster. */
export function isCompressed(high: number): boolean {
  return (high & compressedFlag) !== 0;
}

/** Reads entry `index` of an L2 table. Offsets are not compared with the file's length here. */
export function readL2Entry(table: DataView, index: number, geometry: Geometry): Cluster {
  const at = index * geometry.entryBytes;
  const high = table.getUint32(at);
  const low = table.getUint32(at + 4);
  const zeros = geometry.extendedL2 ? table.getUint32(at + 8) : 0;
  const allocated = geometry.extendedL2 ? table.getUint32(at + 12) : 0;
  if ((high | low | zeros | allocated) === 0) return hole;
  if (isCompressed(high)) {
    if ((zeros | allocated) !== 0) return bad('is of a compressed cluster but has a sub-cluster bitmap');
    return compressed(high, low, geometry.clusterBits);
  }

  const zeroFlag = geometry.version === 3 && !geometry.extendedL2 ? 1 : 0;
  if ((high & 0x3f000000) !== 0 || (low & 0x1ff & ~zeroFlag) !== 0) return bad('has reserved bits set');
  // At most 2^56 and a multiple of 512, which a double holds exactly.
  const fileOffset = (high & 0x00ffffff) * 2 ** 32 + (low - (low & 0x1ff));
  if (fileOffset % geometry.clusterBytes !== 0) return bad(`points to ${fileOffset}, which is not on a cluster border`);
  if (fileOffset === 0 && (high & copiedFlag) !== 0) return bad('points to the header');
  if ((low & zeroFlag) !== 0) return zero;
  if (geometry.extendedL2) return withSubclusters(fileOffset, allocated, zeros);
  return fileOffset === 0 ? hole : { kind: 'plain', fileOffset };
}

function withSubclusters(fileOffset: number, allocated: number, zeros: number): Cluster {
  if ((allocated & zeros) !== 0) return bad('has sub-clusters that are both allocated and zero');
  if (allocated !== 0 && fileOffset === 0) return bad('has allocated sub-clusters but no cluster');
  if (allocated === allSubclusters) return { kind: 'plain', fileOffset };
  if (zeros === allSubclusters) return zero;
  return (allocated | zeros) === 0 ? hole : { kind: 'mixed', fileOffset, allocated, zeros };
}

function compressed(high: number, low: number, clusterBits: number): Cluster {
  if ((high & copiedFlag) !== 0) return bad('is of a compressed cluster but says that its reference count is one');
  // x is 49 to 61, so the border between offset and sectors always lies in the upper half.
  const offsetBitsInHigh = 62 - (clusterBits - 8) - 32;
  const field = high & 0x3fffffff;
  const sectors = field >>> offsetBitsInHigh;
  const fileOffset = (field & (2 ** offsetBitsInHigh - 1)) * 2 ** 32 + low;
  return { kind: 'compressed', fileOffset, fileLength: (sectors + 1) * 512 - (low & 0x1ff) };
}

function bad(what: string): Cluster {
  return { kind: 'bad', what };
}
