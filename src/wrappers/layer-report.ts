import { printable } from '../formats/printable.ts';

/** A wrapper that was unpacked into a work file. */
export interface CompressedLayer {
  readonly layer: 'gzip' | 'xz' | 'zstd' | 'bzip2';
  /** Length of the packed file in bytes. */
  readonly packedBytes: number;
  /** Length of what was in it. */
  readonly bytes: number;
  /** Members or streams that follow each other in the file and were read as one; undefined where that is not told (zstd). */
  readonly streams: number | undefined;
  /** Bytes behind the packed data that are no part of it, which the format's own program leaves aside as well. */
  readonly ignoredBytes: number;
  /** What a person should know of this layer. Plain sentences. */
  readonly notes: readonly string[];
}

/** How a tar archive says where the holes of a member are. */
export type SparseKind = 'oldgnu' | 'pax-0.0' | 'pax-0.1' | 'pax-1.0';

/** An archive that holds one disk, which is read where it stands. */
export interface TarLayer {
  readonly layer: 'tar';
  /** Name of the member that is the disk, or that describes it. */
  readonly member: string;
  /** Length of the disk file in bytes, holes included. */
  readonly bytes: number;
  readonly sparse: SparseKind | undefined;
  /** The members that together are the disk, where `member` is a descriptor; otherwise none. */
  readonly extents: readonly string[];
  readonly notes: readonly string[];
}

/** An archive with an OVF description of a machine, which names its disk. */
export interface OvaLayer {
  readonly layer: 'ova';
  /** Name of the description. */
  readonly description: string;
  /** Name of the member that is the disk. */
  readonly member: string;
  readonly bytes: number;
  /** The disk's size as the description tells it, in bytes. Only told: it is often wrong, and never used. */
  readonly statedCapacityBytes: number | undefined;
  /** How many members were held against a digest of the manifest; 0 without a manifest. */
  readonly verifiedMembers: number;
  /** Members of the machine that are no disk, which an import leaves behind. */
  readonly ignoredMembers: readonly string[];
  readonly notes: readonly string[];
}

/** What was found around a disk file, one report for each layer, the outermost first. Holds JSON-safe values only. */
export type LayerReport = CompressedLayer | TarLayer | OvaLayer;

/** How a layer is called in a sentence: "gzip", "tar (disk.raw)". */
export function nameOfLayer(layer: LayerReport): string {
  return 'member' in layer ? `${layer.layer} (${printable(layer.member.slice(0, 80))})` : layer.layer;
}
