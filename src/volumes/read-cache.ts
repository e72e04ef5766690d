import type { ReadOptions } from '../formats/byte-source.ts';
import { LruMap } from '../lib/lru-map.ts';
import { settleAll } from '../lib/settle-all.ts';
import { pieceBytes, ReadAhead } from './read-ahead.ts';
import type { StoredDevice } from './stored-device.ts';
import { Streams } from './streams.ts';
import type { VolumeReads } from './volume-reads.ts';

/** What is read at a time for a small read: as long as the longest chunk, which is verified and decoded whole anyway. */
const windowBytes = 256 * 1024;

/** Windows kept: 64 MiB. */
const windowsKept = 256;

/** Windows read ahead of somebody who reads a little at a time in order. */
const windowsAhead = 2;

/** The one that the next read begins in, and one to be fetched and decoded while that is sent. */
const piecesAhead = 2;

/**
 * Verified bytes of volumes, kept for those who read little at a time, as guests do: else each read of 4 KiB would fetch,
 * verify and decode a whole chunk. Shared by all disks and images of a process; those of one image share its windows.
 *
 * Who reads in order finds what comes next read already, little by little or much at a time. Reads of a window's length and
 * more leave nothing behind: a copy of a whole disk does not drive out what guests use.
 */
export class ReadCache implements VolumeReads {
  readonly #windows = new LruMap<string, Promise<Uint8Array>>(windowsKept);
  readonly #ahead = new ReadAhead();
  #hits = 0;
  #misses = 0;

  /** Windows that were wanted and there already, or on their way, and those that had to be read; read ahead or not. */
  figures(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /**
   * The volume's device, read through the cache. Disposing it disposes the device. Kept by the volume's id and not by its
   * content's: who has the same content in another cloud learns nothing.
   */
  wrap(device: StoredDevice, volumeId: string): StoredDevice {
    const streams = { little: new Streams(), much: new Streams() };
    return {
      volume: device.volume,
      contentId: device.contentId,
      sizeBytes: device.sizeBytes,
      extents: (offset, length, options) => device.extents(offset, length, options),
      keptSegment: (index) => device.keptSegment(index),
      listIds: device.listIds,
      keptLists: (indexes) => device.keptLists(indexes),
      readAt: async (target, offset, options: ReadOptions = {}) => {
        const end = offset + target.byteLength;
        if (offset < 0 || end > device.sizeBytes) return await device.readAt(target, offset, options); // which refuses it
        options.signal?.throwIfAborted();
        if (target.byteLength < windowBytes) {
          await this.#readWindows(target, offset, device, volumeId, streams.little);
        } else {
          const isInOrder = streams.much.follow(offset, end);
          await this.#readPieces(target, offset, device, volumeId, isInOrder, options);
        }
      },
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  }

  async #readWindows(
    target: Uint8Array,
    offset: number,
    device: StoredDevice,
    volumeId: string,
    streams: Streams,
  ): Promise<void> {
    const end = offset + target.byteLength;
    const windows = Math.ceil(device.sizeBytes / windowBytes);
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / windowBytes);
      const reading = this.#window(device, volumeId, index);
      // Window by window: a guest reads a file in order, too, that has gaps. Behind what it waits for.
      if (streams.follow(index, index + 1)) {
        for (let next = index + 1; next <= index + windowsAhead && next < windows; next += 1) {
          this.#window(device, volumeId, next).catch(() => {}); // whoever wants it is told
        }
      }
      const window = await reading;
      const within = at - index * windowBytes;
      const part = window.subarray(within, within + end - at);
      target.set(part, at - offset);
      at += part.byteLength;
    }
  }

  async #readPieces(
    target: Uint8Array,
    offset: number,
    device: StoredDevice,
    volumeId: string,
    isInOrder: boolean,
    options: ReadOptions,
  ): Promise<void> {
    const end = offset + target.byteLength;
    const ahead = this.#ahead;
    const reads: Promise<void>[] = [];
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / pieceBytes);
      const start = at;
      at = Math.min(end, (index + 1) * pieceBytes);
      if (ahead.has(volumeId, index)) {
        reads.push(
          ahead.copy(volumeId, index, start - index * pieceBytes, target.subarray(start - offset, at - offset)),
        );
        continue;
      }
      while (at < end && !ahead.has(volumeId, at / pieceBytes)) at = Math.min(end, at + pieceBytes);
      reads.push(device.readAt(target.subarray(start - offset, at - offset), start, options));
    }
    if (isInOrder) {
      const next = Math.floor(end / pieceBytes);
      for (let index = next; index < next + piecesAhead; index += 1) ahead.start(device, volumeId, index);
    }
    // Whoever gave the target may use it again when this returns: nothing may still be writing to it.
    await settleAll(reads);
  }

  /** Many may ask for the same bytes at once: they are read once. A failure is everybody's, and is not remembered. */
  #window(device: StoredDevice, volumeId: string, index: number): Promise<Uint8Array> {
    const key = `${volumeId} ${index}`;
    const known = this.#windows.get(key);
    if (known !== undefined) {
      this.#hits += 1;
      return known;
    }
    this.#misses += 1;
    const start = index * windowBytes;
    const window = Buffer.allocUnsafeSlow(Math.min(windowBytes, device.sizeBytes - start));
    const reading = device.readAt(window, start).then(() => window);
    this.#windows.set(key, reading);
    reading.catch(() => {
      if (this.#windows.get(key) === reading) this.#windows.delete(key);
    });
    return reading;
  }
}
