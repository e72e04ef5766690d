import type { ReadOptions } from '../byte-source.ts';
import type { DiskMap, Run } from '../disk-map.ts';
import { ImageRefused } from '../image-refused.ts';

/** A part of a disk that is in several files. */
export interface MappedExtent {
  /** The name of its file, safe to print. */
  readonly name: string;
  /** Where its bytes begin in the guest. */
  readonly offset: number;
  /** Where its file begins among the files of all parts, which follow each other. */
  readonly fileOffset: number;
  readonly map: DiskMap;
}

/** The maps of parts that follow each other in the guest, as one; between them may be holes. */
export class SplitMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #extents: readonly MappedExtent[];

  /** @param extents in guest order, not overlapping */
  constructor(extents: readonly MappedExtent[], sizeBytes: number) {
    this.#extents = extents;
    this.sizeBytes = sizeBytes;
  }

  async runs(offset: number, length: number, options?: ReadOptions): Promise<Run[]> {
    const runs: Run[] = [];
    for (const extent of this.#extents) {
      const { map } = extent;
      const from = Math.max(offset, extent.offset);
      const to = Math.min(offset + length, extent.offset + map.sizeBytes);
      if (from >= to) continue;
      const within = await inExtent(extent.name, () => map.runs(from - extent.offset, to - from, options));
      for (const run of within) runs.push(moved(run, extent));
    }
    return runs;
  }
}

/** A grain's marker counts from the beginning of its own file: `firstSector` stays as it is. */
function moved(run: Run, extent: MappedExtent): Run {
  const offset = run.offset + extent.offset;
  if (run.kind === 'zero') return { ...run, offset };
  return { ...run, offset, fileOffset: run.fileOffset + extent.fileOffset };
}

/** Does something with a part; a refusal of it says which it is. */
export async function inExtent<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ImageRefused)) throw error;
    const { check, reason, remedy } = error;
    throw new ImageRefused({
      check,
      reason: `In the extent ${name}: ${reason}`,
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}
