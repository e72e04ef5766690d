import type { DataRun } from './disk-map.ts';

/** Four of the largest clusters there are; many reads are smaller than a cluster and next to each other. */
const maxCachedBytes = 8 * 1024 * 1024;

interface CachedUnit {
  readonly unit: Uint8Array;
  /** A damaged file may name one place with two lengths, of which one does not decode. */
  readonly fileLength: number;
  /** A grain belongs to one place in the guest: named from another it does not decode. */
  readonly firstSector: number | undefined;
}

/** The decoded units that were used last. */
export class UnitCache {
  /** By place in the file, the least lately used first. */
  readonly #units = new Map<number, CachedUnit>();
  #bytes = 0;

  get(run: DataRun): Uint8Array | undefined {
    if (run.codec === 'plain') return undefined;
    const cached = this.#units.get(run.fileOffset);
    if (cached?.fileLength !== run.fileLength || cached.firstSector !== firstSectorOf(run)) return undefined;
    this.#units.delete(run.fileOffset);
    this.#units.set(run.fileOffset, cached);
    return cached.unit;
  }

  /** Keeps a unit and returns it. */
  keep(run: DataRun, unit: Uint8Array): Uint8Array {
    this.#drop(run.fileOffset);
    this.#units.set(run.fileOffset, { unit, fileLength: run.fileLength, firstSector: firstSectorOf(run) });
    this.#bytes += unit.length;
    for (const oldest of this.#units.keys()) {
      if (this.#bytes <= maxCachedBytes) break;
      this.#drop(oldest);
    }
    return unit;
  }

  clear(): void {
    this.#units.clear();
    this.#bytes = 0;
  }

  #drop(key: number): void {
    this.#bytes -= this.#units.get(key)?.unit.length ?? 0;
    this.#units.delete(key);
  }
}

function firstSectorOf(run: DataRun): number | undefined {
  return run.codec === 'grain' ? run.firstSector : undefined;
}
