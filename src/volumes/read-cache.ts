import type { ReadOptions } from '../formats/byte-source.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { StoredDevice } from './stored-device.ts';
import { Streams } from './streams.ts';
import type { VolumeReads } from './volume-reads.ts';

/** What is read at a time for a small read: as long as the longest chunk, which is verified and decoded whole anyway. */
const windowBytes = 256 * 1024;

/** Windows kept: 64 MiB. */
const windowsKept = 256;

/** Windows read ahead of somebody who reads a little at a time in order. */
const windowsAhead = 2;

/** What is read at a time ahead of somebody who reads much at a time in order. */
const pieceBytes = 1024 * 1024;

/** Pieces kept until they are read: 32 MiB. */
const piecesKept = 32;

/** Enough for the next ones to be fetched and decoded while one is sent. */
const piecesAhead = 4;

/**
 * Verified bytes of volumes, kept for those who read little at a time, as guests do: else each read of 4 KiB would fetch,
 * verify and decode a whole chunk. Shared by all disks and images of a process; those of one image share its windows.
 *
 * Who reads in order finds what comes next read already, little by little or much at a time. Reads of a window's length and
 * more leave nothing behind: a copy of a whole disk does not drive out what guests use.
 */
export class ReadCache implements VolumeReads {
  readonly #windows = new LruMap<string, Promise<Uint8Array>>(windowsKept);
  readonly #pieces = new LruMap<string, Promise<Uint8Array>>(piecesKept);

  /**
   * The volume's device, read through the cache. Disposing it disposes the device. Kept by the volume's id and not by its
   * content's: who has the same content in another cloud learns nothing.
   */
  wrap(device: StoredDevice, volumeId: string): StoredDevice {
    const streams = { little: new Streams(), much: new Streams() };
    return {
      contentId: device.contentId,
      sizeBytes: device.sizeBytes,
      extents: (offset, length, options) => device.extents(offset, length, options),
      keptSegment: (index) => device.keptSegment(index),
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
    const read = (index: number) => readOnce(this.#windows, device, volumeId, index, windowBytes);
    const end = offset + target.byteLength;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / windowBytes);
      const reading = read(index);
      // Window by window: a guest reads a file in order, too, that has gaps. Behind what it waits for.
      if (streams.follow(index, index + 1)) readAhead(device, windowBytes, index, windowsAhead, read);
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
    const last = Math.floor((end - 1) / pieceBytes);
    const reads: Promise<void>[] = [];
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / pieceBytes);
      const piece = this.#pieces.get(keyOf(volumeId, index));
      let stop = Math.min(end, (index + 1) * pieceBytes);
      if (piece === undefined) {
        while (stop < end && this.#pieces.get(keyOf(volumeId, stop / pieceBytes)) === undefined) {
          stop = Math.min(end, stop + pieceBytes);
        }
        reads.push(device.readAt(target.subarray(at - offset, stop - offset), at, options));
      } else {
        reads.push(copyPart(piece, at - index * pieceBytes, target.subarray(at - offset, stop - offset)));
        if (stop === (index + 1) * pieceBytes) this.#pieces.delete(keyOf(volumeId, index)); // nobody comes back for it
      }
      at = stop;
    }
    if (isInOrder) {
      const read = (index: number) => readOnce(this.#pieces, device, volumeId, index, pieceBytes);
      readAhead(device, pieceBytes, last, piecesAhead, read);
    }
    // Whoever gave the target may use it again when this returns: nothing may still be writing to it.
    for (const result of await Promise.allSettled(reads)) if (result.status === 'rejected') throw result.reason;
  }
}

type Kept = LruMap<string, Promise<Uint8Array>>;

function keyOf(volumeId: string, index: number): string {
  return `${volumeId} ${index}`;
}

/** Many may ask for the same bytes at once: they are read once. A failure is everybody's, and is not remembered. */
function readOnce(
  kept: Kept,
  device: StoredDevice,
  volumeId: string,
  index: number,
  length: number,
): Promise<Uint8Array> {
  const key = keyOf(volumeId, index);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const start = index * length;
  const bytes = Buffer.allocUnsafeSlow(Math.min(length, device.sizeBytes - start));
  const reading = device.readAt(bytes, start).then(() => bytes);
  kept.set(key, reading);
  reading.catch(() => {
    if (kept.get(key) === reading) kept.delete(key);
  });
  return reading;
}

async function copyPart(piece: Promise<Uint8Array>, from: number, target: Uint8Array): Promise<void> {
  target.set((await piece).subarray(from, from + target.byteLength));
}

function readAhead(
  device: StoredDevice,
  length: number,
  index: number,
  count: number,
  read: (index: number) => Promise<unknown>,
): void {
  const end = Math.ceil(device.sizeBytes / length);
  for (let next = index + 1; next <= index + count && next < end; next += 1) {
    read(next).catch(() => {}); // whoever wants it is told
  }
}
