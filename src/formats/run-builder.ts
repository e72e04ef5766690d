import type { DataRun, Run, UnitEncoding } from './disk-map.ts';

/** The longest range `DiskMap.runs` answers for in one call: 64 MiB. */
export const maxRunsLength = 64 * 1024 * 1024;

/**
 * Collects the runs of one `DiskMap.runs` call: cuts each to the range that was asked for, drops what lies outside, and
 * merges neighbours. Runs are added in guest order.
 */
export class RunBuilder {
  readonly runs: Run[] = [];
  readonly #start: number;
  readonly #end: number;

  /**
   * @param sizeBytes the disk's size, where runs end too
   * @throws RangeError when the range is longer than one call may ask for
   */
  constructor(offset: number, length: number, sizeBytes: number) {
    if (length > maxRunsLength)
      throw new RangeError(`Runs of ${length} bytes were asked for; ${maxRunsLength} is most.`);
    this.#start = offset;
    this.#end = Math.min(offset + length, sizeBytes);
  }

  /** Adds `length` guest bytes that stand in the file as they are. */
  addPlain(offset: number, length: number, fileOffset: number): void {
    const cut = this.#cut(offset, length);
    if (cut === undefined) return;
    const from = fileOffset + (cut.offset - offset);
    const last = this.runs.at(-1);
    if (
      last?.kind === 'data' &&
      last.codec === 'plain' &&
      last.offset + last.length === cut.offset &&
      last.fileOffset + last.length === from
    ) {
      this.runs[this.runs.length - 1] = plainRun(last.offset, last.length + cut.length, last.fileOffset);
    } else {
      this.runs.push(plainRun(cut.offset, cut.length, from));
    }
  }

  /** Adds guest bytes that the file says are zeros. */
  addZero(offset: number, length: number): void {
    const cut = this.#cut(offset, length);
    if (cut === undefined) return;
    const last = this.runs.at(-1);
    if (last?.kind === 'zero' && last.offset + last.length === cut.offset) {
      this.runs[this.runs.length - 1] = { kind: 'zero', offset: last.offset, length: last.length + cut.length };
    } else {
      this.runs.push({ kind: 'zero', ...cut });
    }
  }

  /** Adds a unit of `unitLength` guest bytes that the file keeps encoded, of which the disk has the first `length`. */
  addUnit(
    offset: number,
    length: number,
    unit: UnitEncoding & { fileOffset: number; fileLength: number; unitLength: number },
  ): void {
    const cut = this.#cut(offset, length);
    if (cut === undefined) return;
    this.runs.push({ kind: 'data', ...cut, ...unit, skip: cut.offset - offset });
  }

  #cut(offset: number, length: number): { offset: number; length: number } | undefined {
    const start = Math.max(offset, this.#start);
    const end = Math.min(offset + length, this.#end);
    return start < end ? { offset: start, length: end - start } : undefined;
  }
}

/** A run of guest bytes that stand in the file as they are. */
export function plainRun(offset: number, length: number, fileOffset: number): DataRun {
  return { kind: 'data', offset, length, codec: 'plain', fileOffset, fileLength: length, unitLength: length, skip: 0 };
}
