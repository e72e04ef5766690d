import type { DiskMap, Run } from '../disk-map.ts';
import { RunBuilder } from '../run-builder.ts';
import type { BlockTable } from './bat.ts';

/** A VHDX file as a map from guest ranges to runs of the file. Its table was checked whole, so that nothing can fail. */
export class VhdxMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #blockBytes: number;
  readonly #table: BlockTable;

  constructor(guestBytes: number, blockBytes: number, table: BlockTable) {
    this.sizeBytes = guestBytes;
    this.#blockBytes = blockBytes;
    this.#table = table;
  }

  async runs(offset: number, length: number): Promise<Run[]> {
    const builder = new RunBuilder(offset, length, this.sizeBytes);
    const end = Math.min(offset + length, this.sizeBytes);
    for (let index = Math.floor(offset / this.#blockBytes); index * this.#blockBytes < end; index++) {
      const start = index * this.#blockBytes;
      const block = this.#table.block(index);
      if (block.kind === 'zero') builder.addZero(start, this.#blockBytes);
      else if (block.kind === 'present') builder.addPlain(start, this.#blockBytes, block.fileOffset);
    }
    return builder.runs;
  }
}
