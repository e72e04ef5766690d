import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { coalesce } from '../plan-reads.ts';
import { readRanges } from '../read-ranges.ts';
import type { Geometry } from './geometry.ts';
import { isCompressed } from './l2-entry.ts';
import type { NamedBytes } from './named-bytes.ts';

/** Tables kept: 8 MiB describe 64 GiB of guest with clusters of 64 KiB, and 4 tables with clusters of 2 MiB. */
const cacheBytes = 8 * 1024 * 1024;

/**
 * Clusters of 512 bytes need a table for every 32 KiB of guest, most of them with just that data between them: one read
 * across such a gap is cheaper than a request for each table.
 */
const merging = { maxGapBytes: 64 * 1024, maxReadBytes: 4 * 1024 * 1024 };

/** The L2 tables of a file: read when needed, many at a time, and the last used kept. */
export class L2Tables {
  readonly #source: ByteSource;
  readonly #geometry: Geometry;
  /** Cluster number of each L2 table, by L1 index; 0: no table. */
  readonly #clusters: Uint32Array;
  readonly #named: NamedBytes;
  /** One bit for each L1 index: the table was counted in `#named`. */
  readonly #counted: Uint8Array;
  /** By L1 index, the least lately used first. */
  readonly #cache = new Map<number, DataView>();

  constructor(source: ByteSource, geometry: Geometry, clusters: Uint32Array, named: NamedBytes) {
    this.#source = source;
    this.#geometry = geometry;
    this.#clusters = clusters;
    this.#named = named;
    this.#counted = new Uint8Array(Math.ceil(clusters.length / 8));
  }

  /**
   * The tables of the L1 indexes `first` to `last`, by index; those that do not exist are left out.
   *
   * @throws ImageRefused when the tables name far more bytes than the file holds
   */
  async load(first: number, last: number, options?: ReadOptions): Promise<Map<number, DataView>> {
    const tables = new Map<number, DataView>();
    const missing: { index: number; offset: number; length: number }[] = [];
    for (let index = first; index <= last; index++) {
      const cluster = this.#clusters[index] ?? 0;
      if (cluster === 0) continue;
      const cached = this.#cache.get(index);
      if (cached !== undefined) tables.set(index, this.#keep(index, cached));
      else missing.push({ index, offset: cluster * this.#geometry.clusterBytes, length: this.#geometry.clusterBytes });
    }
    if (missing.length === 0) return tables;

    await readRanges(
      this.#source,
      coalesce(missing, merging),
      (range, bytes) => {
        for (const { index, offset, length } of range.pieces) {
          const at = offset - range.offset;
          // A copy, so that the cache does not hold on to what stood between the tables. (Of a Buffer, slice() is none.)
          const table = new DataView(new Uint8Array(bytes.subarray(at, at + length)).buffer);
          this.#count(index, table);
          tables.set(index, this.#keep(index, table));
        }
      },
      options,
    );
    return tables;
  }

  #keep(index: number, table: DataView): DataView {
    this.#cache.delete(index);
    this.#cache.set(index, table);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size * this.#geometry.clusterBytes <= cacheBytes) break;
      this.#cache.delete(oldest);
    }
    return table;
  }

  #count(index: number, table: DataView): void {
    const byte = index >>> 3;
    const bit = 1 << (index & 7);
    const counted = this.#counted[byte] ?? 0;
    if ((counted & bit) !== 0) return;

    const { entryBytes, clusterBytes } = this.#geometry;
    let plain = 0;
    let compressed = 0;
    for (let at = 0; at < table.byteLength; at += entryBytes) {
      const high = table.getUint32(at);
      if (isCompressed(high)) compressed++;
      // With a zero flag or no sub-clusters an allocated cluster is not read; counting it all the same is within the bound.
      else if ((high & 0x00ffffff) !== 0 || table.getUint32(at + 4) > 1) plain++;
    }
    this.#named.add(plain * clusterBytes, compressed * clusterBytes);
    // Only now, so that a table that was refused is refused again.
    this.#counted[byte] = (this.#counted[byte] ?? 0) | bit;
  }
}
