import { ImageRefused } from '../image-refused.ts';
import type { GrainTable } from './grain-table.ts';

/**
 * How many guest bytes the tables may name for each byte of the file, where grains stand in it as they are.
 *
 * No program is known to let two entries name one grain, but nothing forbids it, and without a limit a file of 1 MiB makes
 * 4 TiB of work. Without sharing it is 1:1. Compressed grains need no such limit: each is marked with the one
 * place in the guest that it belongs to.
 */
const mostNamed = 4;

/** Counts the guest bytes that the tables read so far have named, and refuses a file that names far more than it holds. */
export class NamedGrains {
  readonly #fileBytes: number;
  readonly #grainBytes: number;
  readonly #compressed: boolean;
  #namedBytes = 0;
  /** One bit for each table: it was counted. */
  readonly #counted: Uint8Array;

  constructor(file: { fileBytes: number; grainBytes: number; compressed: boolean; tables: number }) {
    this.#fileBytes = file.fileBytes;
    this.#grainBytes = file.grainBytes;
    this.#compressed = file.compressed;
    this.#counted = new Uint8Array(Math.ceil(file.tables / 8));
  }

  /** Counts a table, the first time it is seen. @throws ImageRefused */
  count(index: number, table: GrainTable): void {
    const byte = index >>> 3;
    const bit = 1 << (index & 7);
    if (this.#compressed || ((this.#counted[byte] ?? 0) & bit) !== 0) return;
    let grains = 0;
    // An entry of 1 is no grain but zeros, where the file has such entries.
    for (const sector of table) if (sector > 1) grains++;
    this.#namedBytes += grains * this.#grainBytes;
    if (this.#namedBytes > this.#fileBytes * mostNamed) {
      throw new ImageRefused({
        check: 'vmdk.amplification',
        reason: `A file of ${this.#fileBytes} bytes names ${this.#namedBytes} bytes of grains, more than ${mostNamed} times its own length.`,
        remedy: 'Write it anew, so that no grains are shared: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2',
      });
    }
    // Only now, so that a table that was refused is refused again.
    this.#counted[byte] = (this.#counted[byte] ?? 0) | bit;
  }
}
