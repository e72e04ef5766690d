import type { DataRun } from './disk-map.ts';
import { plainRun } from './run-builder.ts';

/** A range of a file, in bytes. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

export interface MergeOptions {
  /** Two ranges with no more than this between them become one read: a request costs more than these bytes. */
  readonly maxGapBytes: number;
  /** No read is longer, unless a single piece is. */
  readonly maxReadBytes: number;
}

/** One read of the file, and what it is for. Every piece lies whole within the read. */
export interface PlannedRead<Piece> extends FileRange {
  readonly pieces: readonly Piece[];
}

/**
 * Plans the reads that fetch all `pieces`: sorted by file offset, merged over small gaps. Reads overlap only where
 * pieces do. Every piece is in exactly one read.
 */
export function coalesce<Piece extends FileRange>(
  pieces: readonly Piece[],
  options: MergeOptions,
): PlannedRead<Piece>[] {
  const reads: { offset: number; length: number; pieces: Piece[] }[] = [];
  for (const piece of pieces.toSorted((a, b) => a.offset - b.offset || b.length - a.length)) {
    const read = reads.at(-1);
    const end = piece.offset + piece.length;
    if (
      read !== undefined &&
      piece.offset - (read.offset + read.length) <= options.maxGapBytes &&
      Math.max(end - read.offset, read.length) <= Math.max(options.maxReadBytes, read.length)
    ) {
      read.length = Math.max(read.length, end - read.offset);
      read.pieces.push(piece);
    } else {
      reads.push({ offset: piece.offset, length: piece.length, pieces: [piece] });
    }
  }
  return reads;
}

/** A read that fetches the file bytes of `runs`. */
export interface RunRead extends FileRange {
  /**
   * The runs whose file bytes lie whole in this read, by file offset. A plain run that is longer than a read was cut,
   * each part with its own guest offset, so that together the pieces of all reads cover exactly what was planned.
   */
  readonly runs: readonly DataRun[];
}

/**
 * Plans how to fetch the file bytes of `runs`: reads sorted by file offset, merged over gaps of up to `maxGapBytes`, none
 * longer than `maxReadBytes` unless a single encoded unit is. Bytes that several runs name are fetched once, save at a
 * border between two reads.
 */
export function planReads(runs: readonly DataRun[], options: MergeOptions): RunRead[] {
  const pieces = runs
    .flatMap((run) => cutPlain(run, options.maxReadBytes))
    .map((run) => ({ offset: run.fileOffset, length: run.fileLength, run }));
  return coalesce(pieces, options).map(({ offset, length, pieces }) => ({
    offset,
    length,
    runs: pieces.map(({ run }) => run),
  }));
}

function cutPlain(run: DataRun, maxBytes: number): DataRun[] {
  if (run.codec !== 'plain' || run.length <= maxBytes) return [run];
  const parts: DataRun[] = [];
  for (let done = 0; done < run.length; done += maxBytes) {
    parts.push(plainRun(run.offset + done, Math.min(maxBytes, run.length - done), run.fileOffset + done));
  }
  return parts;
}
