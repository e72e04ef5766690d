import { ImageRefused } from '../image-refused.ts';

interface NamedRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Where the file keeps the tables that are in use. Nothing else may stand there: an L2 table that is also the L1 table
 * is a loop, a data cluster that is also a table hands metadata to the guest. (Refcount blocks are not looked at:
 * reading uses none.)
 */
export class MetadataRanges {
  readonly #fixed: readonly NamedRange[];
  readonly #clusterBytes: number;
  /** Cluster numbers of the L2 tables, ascending. */
  readonly #l2Clusters: Uint32Array;

  /**
   * @param l1 cluster numbers of the L2 tables in use, in any order; 0: no table
   * @throws ImageRefused when any two tables overlap
   */
  constructor(fixed: { name: string; start: number; bytes: number }[], l1: Uint32Array, clusterBytes: number) {
    this.#clusterBytes = clusterBytes;
    this.#fixed = fixed.map(({ name, start, bytes }) => ({ name, start, end: start + bytes }));
    const sorted = l1.slice().sort();
    const first = sorted.findIndex((cluster) => cluster !== 0);
    this.#l2Clusters = first === -1 ? new Uint32Array() : sorted.subarray(first);
    for (const [i, a] of this.#fixed.entries()) {
      const b = this.#fixed.slice(i + 1).find((other) => other.start < a.end && a.start < other.end);
      if (b !== undefined) throw overlap(`The ${a.name} and the ${b.name} overlap.`);
      if (this.#hasL2Within(a.start, a.end)) throw overlap(`An L2 table overlaps the ${a.name}.`);
    }
    const shared = this.#l2Clusters.find((cluster, i) => cluster === this.#l2Clusters[i - 1]);
    if (shared !== undefined) throw overlap(`Two L1 entries share one L2 table, at ${shared * clusterBytes}.`);
  }

  /** What stands in `[start, end)` of the file that is not guest data, by name. */
  within(start: number, end: number): string | undefined {
    const fixed = this.#fixed.find((range) => range.start < end && start < range.end);
    if (fixed !== undefined) return fixed.name;
    return this.#hasL2Within(start, end) ? 'L2 table' : undefined;
  }

  #hasL2Within(start: number, end: number): boolean {
    const first = Math.floor(start / this.#clusterBytes);
    let low = 0;
    let high = this.#l2Clusters.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#l2Clusters[middle] ?? 0) < first) low = middle + 1;
      else high = middle;
    }
    const next = this.#l2Clusters[low];
    return next !== undefined && next * this.#clusterBytes < end;
  }
}

function overlap(reason: string): ImageRefused {
  return new ImageRefused({
    check: 'qcow2.overlap',
    reason,
    remedy: 'Look at it where it was made: qemu-img check FILE',
  });
}
