import type { PlaceCounts } from './layer-index.ts';
import type { LogFile } from './log-file.ts';
import { fileBlocksMax } from './log-format.ts';
import { OverlayFailed } from './overlay-failed.ts';

/** 2^18 files of 64 MiB are 16 TiB: a place in memory is a number of 32 bits. */
const slotsMax = 2 ** 32 / fileBlocksMax;

/**
 * A number for each block of each file, so that a block's whereabouts are 32 bits in memory. Each file has a slot as long
 * as it takes space; a slot is used again.
 */
export class LogPlaces implements PlaceCounts {
  readonly #slots: (LogFile | undefined)[] = [undefined]; // slot 0 stays free: its places mean something else
  readonly #freeSlots: number[] = [];

  /** All files that take space. */
  get files(): readonly LogFile[] {
    return this.#slots.filter((file) => file !== undefined);
  }

  taken(place: number): void {
    this.fileOf(place).liveBlocks += 1;
  }

  freed(place: number): void {
    this.fileOf(place).liveBlocks -= 1;
  }

  fileOf(place: number): LogFile {
    const file = this.#slots[Math.floor(place / fileBlocksMax)];
    if (file === undefined) throw new Error(`no file has place ${place}`);
    return file;
  }

  blockOf(place: number): number {
    return place % fileBlocksMax;
  }

  placeOf(file: LogFile, block: number): number {
    return file.slot * fileBlocksMax + block;
  }

  adopt(file: LogFile): void {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    if (slot >= slotsMax) throw new OverlayFailed('ENOSPC', `an overlay has at most ${slotsMax} log files`);
    file.slot = slot;
    this.#slots[slot] = file;
  }

  /** No layer has a block of the file any more. */
  release({ slot }: LogFile): void {
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }
}
