import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import type { DiskMap } from '../formats/disk-map.ts';
import { createMappedDevice } from '../formats/mapped-device.ts';
import { digestGuest, digestLeaf, digestSegment, leafBytes, type SparseDigest } from './guest-digest.ts';
import { segmentBytes } from './manifest.ts';

export interface DigestDiskOptions extends ReadOptions {
  /** Guest bytes just passed, holes included. */
  readonly onProgress?: ((guestBytes: number) => void) | undefined;
}

/** So much is read at a time: reads of a file are merged within it. A whole number of leaves. */
const windowBytes = 8 * leafBytes;

/**
 * Reads and decodes all of a virtual disk file, and returns the digest that a volume of its guest bytes has. What no
 * import could read does not pass here either.
 *
 * @throws ImageRefused, and what the source throws
 */
export async function digestDisk(
  source: ByteSource,
  map: DiskMap,
  { signal, onProgress }: DigestDiskOptions = {},
): Promise<Uint8Array> {
  await using device = createMappedDevice(source, map);
  const segments = new Map<number, Uint8Array>();
  const buffer = new Uint8Array(windowBytes);
  for (let index = 0; index * segmentBytes < map.sizeBytes; index += 1) {
    const start = index * segmentBytes;
    const end = Math.min(start + segmentBytes, map.sizeBytes);
    const runs = (await map.runs(start, end - start, { signal })).filter(({ kind }) => kind === 'data');
    const leaves: SparseDigest[] = [];
    for (let at = start; at < end; at += windowBytes) {
      const window = buffer.subarray(0, Math.min(windowBytes, end - at));
      const isHole = !runs.some(({ offset, length }) => offset < at + window.length && offset + length > at);
      if (!isHole) await device.readAt(window, at, { signal });
      for (let leaf = 0; leaf < window.length; leaf += leafBytes) {
        leaves.push(isHole ? undefined : digestLeaf(window.subarray(leaf, leaf + leafBytes)));
      }
      onProgress?.(window.length);
    }
    const digest = digestSegment(leaves);
    if (digest !== undefined) segments.set(index, digest);
  }
  return digestGuest(map.sizeBytes, segments);
}
