import { maxGuestBytes } from '../formats/guest-size.ts';

const MIB = 1024 * 1024;

/**
 * Bounds on what unwrapping may cost. They are absolute: honest zeros reach a ratio of 32,000 to 1 in zstd and more in a
 * sparse tar, so a ratio tells nothing.
 */
export interface UnwrapLimits {
  /** Most bytes that one layer may hold. */
  readonly maxBytes: number;
  /** Unpacking stops rather than leave less than this free on the work file's file system. */
  readonly minFreeBytes: number;
  /** Most packed bytes that may be read on end without a byte coming out of them. */
  readonly maxSilentBytes: number;
  /** Largest window or dictionary a packed file may ask for. */
  readonly maxWindowBytes: number;
  /** Most headers in an archive, its members and what only describes them together. */
  readonly maxHeaders: number;
  /** Longest manifest or description, and most text (PAX records, long names) in the headers of an archive together. */
  readonly maxTextBytes: number;
  /** Most ranges in the map of a sparse member: 24 bytes of memory each. */
  readonly maxSparseRanges: number;
}

/**
 * The limits used unless told otherwise. What is in a layer may be a disk file of the largest disk, with its tables.
 * `xz -9` and `zstd -21` ask for a window of 64 MiB; one of 128, as `zstd --long` makes them, is more than an import has
 * memory set aside for.
 */
export const defaultUnwrapLimits: UnwrapLimits = {
  maxBytes: maxGuestBytes + 64 * 1024 * MIB,
  minFreeBytes: 256 * MIB,
  maxSilentBytes: 64 * MIB,
  maxWindowBytes: 64 * MIB,
  maxHeaders: 1000,
  maxTextBytes: MIB,
  maxSparseRanges: 1024 * 1024,
};

/** How deep wrappers may stand in each other. */
export const maxLayers = 3;
