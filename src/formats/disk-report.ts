interface ReportedSizes {
  /** Length of the file in bytes. */
  readonly fileBytes: number;
  /** Size of the disk in bytes, a whole number of 512-byte sectors. */
  readonly guestBytes: number;
  /** What a person should know of this file: what was ignored, what was padded. Plain sentences. */
  readonly notes: readonly string[];
}

export interface RawReport extends ReportedSizes {
  readonly format: 'raw';
  /** Zero bytes added at the disk's end to fill its last sector. */
  readonly paddedBytes: number;
}

export interface Qcow2Report extends ReportedSizes {
  readonly format: 'qcow2';
  readonly version: 2 | 3;
  readonly clusterBytes: number;
  /** How compressed clusters are encoded, if there are any. */
  readonly compression: 'zlib' | 'zstd';
  /** Clusters have 32 sub-clusters each. */
  readonly extendedL2: boolean;
  readonly refcountBits: number;
  readonly lazyRefcounts: boolean;
  /** The writer did not close the file; its reference counts may be stale, which reading does not use. */
  readonly dirty: boolean;
  /** Internal snapshots, which an import leaves behind. */
  readonly internalSnapshots: number;
  /** Dirty bitmaps, which an import leaves behind. */
  readonly bitmaps: number;
}

/** What was found in a virtual disk file when it was opened. Holds JSON-safe values only. */
export type DiskReport = RawReport | Qcow2Report;
