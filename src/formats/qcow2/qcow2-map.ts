import { setImmediate } from 'node:timers/promises';
import type { ReadOptions } from '../byte-source.ts';
import type { DiskMap, Run } from '../disk-map.ts';
import { ImageRefused } from '../image-refused.ts';
import { RunBuilder } from '../run-builder.ts';
import type { Geometry } from './geometry.ts';
import { type Cluster, readL2Entry } from './l2-entry.ts';
import type { L2Tables } from './l2-tables.ts';
import type { MetadataRanges } from './metadata-ranges.ts';

const subclustersPerCluster = 32;

/** Entries read before others get their turn on this thread: about 4 ms. Only with clusters below 4 KiB does a call need more. */
const entriesPerTurn = 16_384;

/** A qcow2 file as a map from guest ranges to runs of the file. */
export class Qcow2Map implements DiskMap {
  readonly sizeBytes: number;
  readonly #file: Qcow2File;

  constructor(file: Qcow2File) {
    this.sizeBytes = file.guestBytes;
    this.#file = file;
  }

  async runs(offset: number, length: number, options?: ReadOptions): Promise<Run[]> {
    const builder = new RunBuilder(offset, length, this.sizeBytes);
    const end = Math.min(offset + length, this.sizeBytes);
    if (offset >= end) return [];
    const { clusterBytes, entriesPerTable, tableSpanBytes } = this.#file.geometry;
    const tables = await this.#file.tables.load(
      Math.floor(offset / tableSpanBytes),
      Math.floor((end - 1) / tableSpanBytes),
      options,
    );
    let entriesThisTurn = 0;
    for (const [index, table] of [...tables].sort(([a], [b]) => a - b)) {
      const tableOffset = index * tableSpanBytes;
      const first = Math.max(0, Math.floor((offset - tableOffset) / clusterBytes));
      const last = Math.min(entriesPerTable - 1, Math.floor((end - 1 - tableOffset) / clusterBytes));
      for (let entry = first; entry <= last; entry++) {
        this.#add(builder, tableOffset + entry * clusterBytes, readL2Entry(table, entry, this.#file.geometry));
      }
      entriesThisTurn += last - first + 1;
      if (entriesThisTurn >= entriesPerTurn) {
        await setImmediate();
        options?.signal?.throwIfAborted();
        entriesThisTurn = 0;
      }
    }
    for (const run of builder.runs) this.#check(run);
    return builder.runs;
  }

  #add(builder: RunBuilder, offset: number, cluster: Cluster): void {
    const { clusterBytes } = this.#file.geometry;
    switch (cluster.kind) {
      case 'hole':
        return;
      case 'zero':
        builder.addZero(offset, clusterBytes);
        return;
      case 'plain':
        builder.addPlain(offset, clusterBytes, cluster.fileOffset);
        return;
      case 'compressed': {
        const { fileOffset } = cluster;
        // Sectors are counted whole, and the last cluster's bytes may be the last of the file.
        const fileLength = Math.min(cluster.fileLength, this.#file.fileBytes - fileOffset);
        builder.addUnit(offset, clusterBytes, {
          codec: this.#file.codec,
          fileOffset,
          fileLength,
          unitLength: clusterBytes,
        });
        return;
      }
      case 'mixed': {
        const bytes = clusterBytes / subclustersPerCluster;
        for (let i = 0; i < subclustersPerCluster; i++) {
          if (((cluster.allocated >>> i) & 1) === 1)
            builder.addPlain(offset + i * bytes, bytes, cluster.fileOffset + i * bytes);
          else if (((cluster.zeros >>> i) & 1) === 1) builder.addZero(offset + i * bytes, bytes);
        }
        return;
      }
      case 'bad':
        throw new ImageRefused({
          check: 'qcow2.l2-entry',
          reason: `The L2 entry of guest offset ${offset} ${cluster.what}.`,
          remedy: 'Look at it where it was made: qemu-img check FILE',
        });
    }
  }

  /**
   * Every run lies within the file and in no table. A cluster needs to be there only as far as the disk reaches, since
   * a program may end the file with the disk's last byte; a read past the file's end would be answered with zeros by
   * QEMU, here it is damage.
   */
  #check(run: Run): void {
    if (run.kind === 'zero') return;
    const { fileOffset } = run;
    const fileEnd = fileOffset + run.fileLength;
    if (fileOffset >= this.#file.fileBytes || fileEnd > this.#file.fileBytes) {
      throw new ImageRefused({
        check: 'qcow2.truncated',
        reason: `Guest bytes from ${run.offset} are kept at ${fileOffset} to ${fileEnd}, but the file has only ${this.#file.fileBytes} bytes: it was cut short.`,
        remedy: 'Compare its length with the original, and send it again.',
      });
    }
    // Of a compressed cluster only the first sector is sure to be its own: the number of the others is an upper bound.
    const table = this.#file.metadata.within(fileOffset, run.codec === 'plain' ? fileEnd : fileOffset + 1);
    if (table !== undefined) {
      throw new ImageRefused({
        check: 'qcow2.overlap',
        reason: `Guest bytes from ${run.offset} are kept at ${fileOffset} to ${fileEnd}, where the ${table} is.`,
        remedy: 'Look at it where it was made: qemu-img check FILE',
      });
    }
  }
}

/** What the map knows of its file. */
export interface Qcow2File {
  readonly fileBytes: number;
  readonly guestBytes: number;
  readonly geometry: Geometry;
  readonly codec: 'deflate' | 'zstd';
  readonly tables: L2Tables;
  readonly metadata: MetadataRanges;
}
