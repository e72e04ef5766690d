import type { ReadOptions } from '../byte-source.ts';
import type { DiskMap, Run } from '../disk-map.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import { RunBuilder } from '../run-builder.ts';
import type { Geometry } from './geometry.ts';
import { grainMarkerBytes, maxEncodedGrainBytes } from './grain.ts';
import type { GrainTable } from './grain-table.ts';
import type { GrainTables } from './grain-tables.ts';
import type { TablePlaces } from './table-places.ts';

/** What the map knows of its file. */
export interface VmdkFile {
  readonly fileBytes: number;
  readonly geometry: Geometry;
  /** An entry of 1 says that the grain is zeros; in other files it would point to the descriptor. */
  readonly zeroedGrains: boolean;
  readonly tables: GrainTables;
  readonly places: TablePlaces;
}

const zeroedGrain = 1;

/** A VMDK file as a map from guest ranges to runs of the file. */
export class VmdkMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #file: VmdkFile;

  constructor(file: VmdkFile) {
    this.sizeBytes = file.geometry.guestBytes;
    this.#file = file;
  }

  async runs(offset: number, length: number, options?: ReadOptions): Promise<Run[]> {
    const builder = new RunBuilder(offset, length, this.sizeBytes);
    const end = Math.min(offset + length, this.sizeBytes);
    if (offset >= end) return [];
    const { grainBytes, entriesPerTable, tableSpanBytes } = this.#file.geometry;
    const tables = await this.#file.tables.load(
      Math.floor(offset / tableSpanBytes),
      Math.floor((end - 1) / tableSpanBytes),
      options,
    );
    for (const [index, table] of [...tables].sort(([a], [b]) => a - b)) {
      const tableOffset = index * tableSpanBytes;
      const first = Math.max(0, Math.floor((offset - tableOffset) / grainBytes));
      const last = Math.min(entriesPerTable - 1, Math.floor((end - 1 - tableOffset) / grainBytes));
      const ends = this.#file.geometry.compressed ? this.#endsOf(table) : undefined;
      for (let entry = first; entry <= last; entry++) {
        const sector = table[entry] ?? 0;
        const guestOffset = tableOffset + entry * grainBytes;
        if (sector === 0) continue;
        if (sector === zeroedGrain && this.#file.zeroedGrains) builder.addZero(guestOffset, grainBytes);
        else if (ends === undefined) builder.addPlain(guestOffset, grainBytes, sector * sectorBytes);
        else this.#addGrain(builder, guestOffset, sector * sectorBytes, ends.get(sector) ?? 0);
      }
    }
    for (const run of builder.runs) this.#check(run);
    return builder.runs;
  }

  #addGrain(builder: RunBuilder, guestOffset: number, fileOffset: number, end: number): void {
    const { grainBytes } = this.#file.geometry;
    builder.addUnit(guestOffset, grainBytes, {
      codec: 'grain',
      fileOffset,
      fileLength: Math.max(0, end - fileOffset),
      unitLength: grainBytes,
      firstSector: guestOffset / sectorBytes,
      // QEMU's last grain ends with the disk.
      leastLength: Math.min(grainBytes, this.sizeBytes - guestOffset),
    });
  }

  /**
   * Where each compressed grain of a table ends at the latest, by its sector: only its marker knows better. That is where
   * the table's next grain in the file begins, or as far as a grain can reach.
   *
   * @throws ImageRefused when two entries name one grain: it is marked as belonging to one place
   */
  #endsOf(table: GrainTable): ReadonlyMap<number, number> {
    const { geometry, fileBytes, zeroedGrains } = this.#file;
    const longest = maxEncodedGrainBytes(geometry.grainBytes);
    const sectors = table.filter((sector) => sector > (zeroedGrains ? zeroedGrain : 0)).sort();
    const ends = new Map<number, number>();
    for (const [i, sector] of sectors.entries()) {
      const next = (sectors[i + 1] ?? Number.POSITIVE_INFINITY) * sectorBytes;
      const start = sector * sectorBytes;
      if (next === start) throw refused('vmdk.overlap', `Two entries of a grain table name one grain, at ${start}.`);
      ends.set(sector, Math.min(next, start + longest, fileBytes));
    }
    return ends;
  }

  /** Every run lies within the file and in no table. A grain needs to be there only as far as the disk reaches. */
  #check(run: Run): void {
    if (run.kind === 'zero') return;
    const { fileOffset } = run;
    const fileEnd = fileOffset + Math.max(run.fileLength, run.codec === 'grain' ? grainMarkerBytes : 0);
    if (fileEnd > this.#file.fileBytes) {
      throw new ImageRefused({
        check: 'vmdk.truncated',
        reason: `Guest bytes from ${run.offset} are kept at ${fileOffset} to ${fileEnd}, but the file has only ${this.#file.fileBytes} bytes: it was cut short.`,
        remedy: 'Compare its length with the original, and send it again.',
      });
    }
    // Of a compressed grain only the first sector is sure to be its own: its length is an upper bound.
    const table = this.#file.places.within(fileOffset, run.codec === 'plain' ? fileEnd : fileOffset + 1);
    if (table !== undefined) {
      throw refused('vmdk.overlap', `Guest bytes from ${run.offset} are kept at ${fileOffset}, where the ${table} is.`);
    }
  }
}

function refused(check: string, reason: string): ImageRefused {
  return new ImageRefused({
    check,
    reason,
    remedy: 'Look at it where it was made: vmware-vdiskmanager -R FILE repairs it',
  });
}
