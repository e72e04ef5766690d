import type { ReadOptions } from '../formats/byte-source.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { StoredDevice } from './stored-device.ts';
import type { VolumeReads } from './volume-reads.ts';

/** What is read at a time for a small read: as long as the longest chunk, which is verified and decoded whole anyway. */
const windowBytes = 256 * 1024;

/** Windows kept: 64 MiB. */
const windowsKept = 256;

/** Windows read ahead of somebody who reads in order. */
const windowsAhead = 2;

/**
 * Verified bytes of volumes, kept for those who read little at a time, as guests do: else each read of 4 KiB would fetch,
 * verify and decode a whole chunk. Shared by all disks and images of a process; those of one image share its windows.
 */
export class ReadCache implements VolumeReads {
  readonly #windows = new LruMap<string, Promise<Uint8Array>>(windowsKept);

  /**
   * The volume's device, read through the cache. Reads of a window's length and more go past it. Disposing it disposes the
   * device. Kept by the volume's id and not by its content's: who has the same content in another cloud learns nothing.
   */
  wrap(device: StoredDevice, volumeId: string): StoredDevice {
    const read = (index: number) => this.#read(device, volumeId, index);
    let last = -1;
    return {
      contentId: device.contentId,
      sizeBytes: device.sizeBytes,
      extents: (offset, length, options) => device.extents(offset, length, options),
      keptSegment: (index) => device.keptSegment(index),
      readAt: async (target, offset, options: ReadOptions = {}) => {
        if (target.byteLength >= windowBytes || offset < 0 || offset + target.byteLength > device.sizeBytes) {
          return await device.readAt(target, offset, options); // which refuses what is not within it
        }
        options.signal?.throwIfAborted();
        for (let done = 0; done < target.byteLength; ) {
          const index = Math.floor((offset + done) / windowBytes);
          const window = await read(index);
          if (index === last + 1) readAhead(device, index, read);
          last = index;
          const within = offset + done - index * windowBytes;
          const part = window.subarray(within, within + target.byteLength - done);
          target.set(part, done);
          done += part.byteLength;
        }
      },
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  }

  /** Many may ask for the same window at once: it is read once. A failure is everybody's, and is not remembered. */
  #read(device: StoredDevice, volumeId: string, index: number): Promise<Uint8Array> {
    const key = `${volumeId} ${index}`;
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    const start = index * windowBytes;
    const window = new Uint8Array(Math.min(windowBytes, device.sizeBytes - start));
    const reading = device.readAt(window, start).then(() => window);
    this.#windows.set(key, reading);
    reading.catch(() => {
      if (this.#windows.get(key) === reading) this.#windows.delete(key);
    });
    return reading;
  }
}

function readAhead(device: StoredDevice, index: number, read: (index: number) => Promise<unknown>): void {
  const end = Math.ceil(device.sizeBytes / windowBytes);
  for (let next = index + 1; next <= index + windowsAhead && next < end; next += 1) {
    read(next).catch(() => {}); // whoever wants it is told
  }
}
