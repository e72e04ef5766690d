import type { ByteReadOptions, ByteSource } from '../formats/byte-source.ts';
import type { FileRange } from '../formats/plan-reads.ts';
import { copyBytes } from '../lib/copy-bytes.ts';

/*
 * Files that stand within another: a view reads its part of the source it was made over, and holds nothing that must be
 * closed.
 */

/** Reads in flight at once for one read of a view. */
const inFlight = 4;

/** The `sizeBytes` bytes of a source from `start`. */
export function sliceOf(source: ByteSource, start: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    async read(offset, length, options) {
      mustHold(sizeBytes, offset, length);
      return await source.read(start + offset, length, options);
    },
    *dataRanges(offset, length) {
      for (const range of dataRangesOf(source, start + offset, length)) {
        yield { offset: range.offset - start, length: range.length };
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** A piece of a patchwork: `length` bytes of a source from `sourceOffset`. */
export interface Patch extends FileRange {
  readonly source: ByteSource;
  readonly sourceOffset: number;
}

/**
 * A file of pieces of other sources. What no piece covers is zeros, and reading those reads nothing.
 *
 * @param patchesIn the pieces in a range, cut to it, in order, not overlapping
 */
export function patchworkOf(
  sizeBytes: number,
  patchesIn: (offset: number, length: number) => Iterable<Patch>,
): ByteSource {
  return {
    sizeBytes,
    async read(offset, length, options = {}) {
      mustHold(sizeBytes, offset, length);
      const target = options.into ?? new Uint8Array(new SharedArrayBuffer(length));
      await fill(target, offset, patchesIn(offset, length), options);
      return target;
    },
    *dataRanges(offset, length) {
      for (const patch of patchesIn(offset, length)) {
        const moved = patch.offset - patch.sourceOffset;
        for (const range of dataRangesOf(patch.source, patch.sourceOffset, patch.length)) {
          yield { offset: range.offset + moved, length: range.length };
        }
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function fill(
  target: Uint8Array,
  offset: number,
  patches: Iterable<Patch>,
  { signal }: ByteReadOptions,
): Promise<void> {
  target.fill(0);
  const queue = patches[Symbol.iterator]();
  const rest = { [Symbol.iterator]: () => queue };
  const failures: unknown[] = [];
  const work = async () => {
    for (const patch of rest) {
      if (failures.length > 0) return;
      const into = target.subarray(patch.offset - offset, patch.offset - offset + patch.length);
      try {
        const bytes = await patch.source.read(patch.sourceOffset, patch.length, { signal, into });
        if (bytes !== into) copyBytes(bytes, into);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  // Nothing is written to the target after this returns, whatever happens.
  await Promise.all(Array.from({ length: inFlight }, work));
  if (failures.length > 0) throw failures[0];
}

/** What of a range may be anything but zeros: all of it, where the source can't tell. */
export function dataRangesOf(source: ByteSource, offset: number, length: number): Iterable<FileRange> {
  return source.dataRanges?.(offset, length) ?? [{ offset, length }];
}

function mustHold(sizeBytes: number, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes) {
    throw new RangeError(`Bytes ${offset} to ${offset + length} are not within a file of ${sizeBytes}.`);
  }
}
