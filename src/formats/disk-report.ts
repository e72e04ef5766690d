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

export interface VhdReport extends ReportedSizes {
  readonly format: 'vhd';
  readonly variant: 'fixed' | 'dynamic';
  /** The program that made the file, in its own four characters: `vpc`, `win`, `vbox`, `qemu`, `qem2`, ... */
  readonly creator: string;
  /** Which of the footer's two sizes counts; the creator decides. */
  readonly sizeFrom: 'geometry' | 'current-size';
  /** The disk's size by the footer's number, in bytes. */
  readonly currentBytes: number;
  /** The disk's size by cylinders, heads and sectors, in bytes. */
  readonly geometryBytes: number;
  /** Guest bytes in a block of a dynamic disk. */
  readonly blockBytes?: number;
}

export interface VdiReport extends ReportedSizes {
  readonly format: 'vdi';
  readonly variant: 'fixed' | 'dynamic';
  /** What the program that made the file calls it in its first line. */
  readonly creator: string;
  /** Guest bytes in a block. */
  readonly blockBytes: number;
  /** Zero bytes added at the disk's end to fill its last sector. */
  readonly paddedBytes: number;
}

export interface VhdxReport extends ReportedSizes {
  readonly format: 'vhdx';
  readonly variant: 'fixed' | 'dynamic';
  /** Guest bytes in a block. */
  readonly blockBytes: number;
  /** The sector the guest counts in: 512 or 4096 bytes. */
  readonly logicalSectorBytes: number;
  /** The sector of the medium that the disk claims to have: 512 or 4096 bytes. */
  readonly physicalSectorBytes: number;
  /** The program that made the file, by its own word. */
  readonly creator: string;
  /** The disk's own GUID, which a guest sees as the SCSI device's. */
  readonly diskId: string;
  /** Entries of the log that were replayed in memory; 0 for a file that was closed. */
  readonly replayedLogEntries: number;
}

export interface VmdkReport extends ReportedSizes {
  readonly format: 'vmdk';
  /** The last is in several files, and what is said of a file here, said of them all. */
  readonly variant: 'monolithicSparse' | 'streamOptimized' | 'twoGbMaxExtentSparse';
  readonly version: number;
  /** Guest bytes in a grain. */
  readonly grainBytes: number;
  /** Which of the two says where the grain directory is. */
  readonly directoryIn: 'header' | 'footer';
  /** Each grain table is there twice; both were found to say the same. */
  readonly redundantTables: boolean;
  /** Entries may say that a grain is zeros. */
  readonly zeroedGrains: boolean;
  /** The writer did not close the file. */
  readonly uncleanShutdown: boolean;
  /** `lsilogic`, `ide`, ...; null where the descriptor does not say. */
  readonly adapterType: string | null;
  /** Version of the virtual hardware; null where the descriptor does not say. */
  readonly hardwareVersion: string | null;
}

/** What was found in a virtual disk file when it was opened. Holds JSON-safe values only. */
export type DiskReport = RawReport | Qcow2Report | VhdReport | VdiReport | VhdxReport | VmdkReport;
