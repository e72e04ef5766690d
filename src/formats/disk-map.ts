import type { ReadOptions } from './byte-source.ts';

/** How a unit's bytes are encoded: raw deflate, zstd, or a VMDK's grain: a marker, then zlib (vmdk/grain.ts). */
export type UnitEncoding =
  | { readonly codec: 'deflate' | 'zstd' }
  | {
      readonly codec: 'grain';
      /** The guest sector that the grain begins with: its marker must say the same. */
      readonly firstSector: number;
      /** Bytes that the grain holds at least: all of its `unitLength`, or as many of them as the disk has. */
      readonly leastLength: number;
    };

/**
 * A run of guest bytes and where the file keeps it.
 *
 * A plain run's bytes stand at `fileOffset`, `length` of them (`fileLength === length`, `skip === 0`,
 * `unitLength === length`). Any other codec keeps a *unit* of `unitLength` plain bytes (a cluster, a grain) in
 * `fileLength` bytes at `fileOffset`; the run is the unit's bytes from `skip` on. A unit's encoded bytes may be
 * followed by others within `fileLength` (qcow2 counts in whole sectors, and how long a grain is, only its marker
 * knows); decoding stops after `unitLength` bytes.
 */
export type DataRun = RunPlace & ({ readonly codec: 'plain' } | UnitEncoding);

interface RunPlace {
  readonly kind: 'data';
  /** Where the run begins in the guest, in bytes. */
  readonly offset: number;
  /** Guest bytes in the run. */
  readonly length: number;
  readonly fileOffset: number;
  readonly fileLength: number;
  readonly unitLength: number;
  readonly skip: number;
}

/** A run of guest bytes that the file says were written as zeros. */
export interface ZeroRun {
  readonly kind: 'zero';
  readonly offset: number;
  readonly length: number;
}

export type Run = DataRun | ZeroRun;

/**
 * A virtual disk file as a map from guest ranges to runs of the file, or of the view of it that `OpenedDisk.source` is.
 * A format reader is this map and the checks in front of it; reading, decoding and importing are the same for every
 * format.
 */
export interface DiskMap {
  /** The disk's size as the guest sees it, in bytes. */
  readonly sizeBytes: number;

  /**
   * The runs of `[offset, offset + length)` in guest order, cut to the range, not overlapping. What no run covers is
   * a hole. Every run lies within the file and was checked; `length` is at most 64 MiB a call, so that the answer is
   * bounded. Neighbouring plain runs that also neighbour in the file are merged.
   *
   * @throws ImageRefused when the metadata of this range is unsafe or damaged
   */
  runs(offset: number, length: number, options?: ReadOptions): Promise<Run[]>;
}
