import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import { coalesce } from '../plan-reads.ts';
import { readRanges } from '../read-ranges.ts';
import type { Geometry } from './geometry.ts';
import type { GrainTable } from './grain-table.ts';
import { markerBytes, markerFault, markerTypes } from './marker.ts';
import type { NamedGrains } from './named-grains.ts';

/** Tables kept, unless told otherwise: 4 MiB describe 64 GiB of guest with grains of 64 KiB. */
const defaultCacheBytes = 4 * 1024 * 1024;

/** Tables that stand side by side are read 128 KiB at a time: 2 GiB of guest with grains of 64 KiB. */
const tablesAtOnce = 64;

const merging = { maxGapBytes: 64 * 1024, maxReadBytes: 1024 * 1024 };

/** A table as one of the directories has it, with its marker where it has one. */
interface Copy {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

/** The grain tables of a file: read when needed, many at a time, and the last used kept. */
export class GrainTables {
  readonly #source: ByteSource;
  readonly #geometry: Geometry;
  readonly #directory: Uint32Array;
  readonly #redundant: Uint32Array | undefined;
  readonly #named: NamedGrains;
  readonly #tableSectors: number;
  readonly #cacheBytes: number;
  /** By index in the directory, the least lately used first. */
  readonly #cache = new Map<number, GrainTable>();

  constructor(
    source: ByteSource,
    file: {
      readonly geometry: Geometry;
      readonly directory: Uint32Array;
      /** The redundant directory, where there is one: its tables must say the same. */
      readonly redundant: Uint32Array | undefined;
      readonly named: NamedGrains;
      readonly cacheBytes?: number | undefined;
    },
  ) {
    this.#source = source;
    this.#geometry = file.geometry;
    this.#directory = file.directory;
    this.#redundant = file.redundant;
    this.#named = file.named;
    this.#cacheBytes = file.cacheBytes ?? defaultCacheBytes;
    this.#tableSectors = Math.ceil(file.geometry.tableBytes / sectorBytes);
  }

  /**
   * The tables `first` to `last`, by index; those that do not exist are left out.
   *
   * @throws ImageRefused when a table is not marked as one, says something else than its copy, or when the tables name
   * far more bytes than the file holds
   */
  async load(first: number, last: number, options?: ReadOptions): Promise<Map<number, GrainTable>> {
    const tables = new Map<number, GrainTable>();
    const missing: number[] = [];
    for (let index = first; index <= last; index++) {
      if (!this.#exists(index)) continue;
      const cached = this.#cache.get(index);
      if (cached === undefined) missing.push(index);
      else tables.set(index, this.#keep(index, cached));
    }
    const wanted = [...missing, ...this.#neighbours(missing.at(-1))];
    const copies = new Map<number, GrainTable>();
    await readRanges(
      this.#source,
      coalesce(
        wanted.flatMap((index) => this.#copies(index)),
        merging,
      ),
      (range, bytes) => {
        for (const copy of range.pieces) {
          const at = copy.offset - range.offset;
          const table = this.#parse(copy.index, bytes.subarray(at, at + copy.length));
          const other = copies.get(copy.index);
          if (other !== undefined) mustBeSame(copy.index, table, other);
          copies.set(copy.index, table);
        }
      },
      options,
    );
    for (const index of wanted) {
      const table = copies.get(index);
      if (table === undefined) continue;
      this.#named.count(index, table);
      this.#keep(index, table);
      if (index <= last) tables.set(index, table);
    }
    return tables;
  }

  #exists(index: number): boolean {
    return (this.#directory[index] ?? 0) !== 0;
  }

  /** Tables behind `index` that stand in the file right behind it, and are not here yet: they cost no request. */
  #neighbours(index: number | undefined): number[] {
    const neighbours: number[] = [];
    if (index === undefined) return neighbours;
    for (let next = index + 1; neighbours.length < tablesAtOnce; next++) {
      if (!this.#followsAnother(this.#directory, next) || this.#cache.has(next)) break;
      neighbours.push(next);
    }
    return neighbours;
  }

  #copies(index: number): Copy[] {
    return [this.#directory, this.#redundant]
      .filter((directory) => directory !== undefined)
      .map((directory) => {
        const marker = this.#geometry.streamed && !this.#followsAnother(directory, index) ? markerBytes : 0;
        const offset = (directory[index] ?? 0) * sectorBytes - marker;
        return { index, offset, length: marker + this.#geometry.tableBytes };
      });
  }

  /** Whether a table stands right behind the one before it. In a stream, such tables have one marker in front of all. */
  #followsAnother(directory: Uint32Array, index: number): boolean {
    const before = directory[index - 1] ?? 0;
    return before !== 0 && directory[index] === before + this.#tableSectors;
  }

  #parse(index: number, bytes: Uint8Array): GrainTable {
    const { tableBytes, entriesPerTable } = this.#geometry;
    const start = bytes.length - tableBytes;
    if (start > 0) {
      const fault = markerFault(bytes.subarray(0, markerBytes), markerTypes.grainTable, this.#tableSectors);
      if (fault !== undefined) {
        throw new ImageRefused({ check: 'vmdk.marker', reason: `Grain table ${index} is damaged: ${fault}.` });
      }
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, tableBytes);
    const table = new Uint32Array(entriesPerTable);
    for (let i = 0; i < entriesPerTable; i++) table[i] = view.getUint32(i * 4, true);
    return table;
  }

  #keep(index: number, table: GrainTable): GrainTable {
    this.#cache.delete(index);
    this.#cache.set(index, table);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size * this.#geometry.tableBytes <= this.#cacheBytes) break;
      this.#cache.delete(oldest);
    }
    return table;
  }
}

/** @throws ImageRefused when a table exists in one directory and not in the other */
export function mustHaveSameTables(directory: Uint32Array, redundant: Uint32Array): void {
  const index = directory.findIndex((sector, i) => (sector === 0) !== (redundant[i] === 0));
  if (index !== -1) throw disagreement(`Grain table ${index} is in one grain directory and not in its copy`);
}

function mustBeSame(index: number, table: GrainTable, other: GrainTable): void {
  const entry = table.findIndex((sector, i) => sector !== other[i]);
  if (entry !== -1) throw disagreement(`Grain table ${index} and its copy do not agree on grain ${entry}`);
}

function disagreement(fact: string): ImageRefused {
  return new ImageRefused({
    check: 'vmdk.redundant-tables',
    reason: `${fact}: two programs would read two different disks.`,
    remedy: 'Close the virtual machine and copy its disk again, or repair it where it is: vmware-vdiskmanager -R FILE',
  });
}
