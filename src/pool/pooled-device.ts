import type { StoredDevice } from '../volumes/stored-device.ts';
import type { PoolEntry } from './pool-entry.ts';
import type { PoolFile } from './pool-file.ts';

export interface PooledDeviceOptions {
  /** The device by way of the store. Disposed with this one. */
  readonly stored: StoredDevice;
  /** The volume's entry, if it has one by now. */
  find(): PoolEntry | undefined;
  now(): number;
  /** The file could not be read right. */
  onDamaged(entry: PoolEntry, file: PoolFile, error: unknown): void;
  /** Called once, when the device is disposed. */
  onDisposed(): void;
}

/**
 * A volume's device that reads from the pool's file as long as there is one, and else from the store. Which it is can
 * change between any two reads. What is a hole and what is data is told as the volume has it, in both cases.
 */
export function createPooledDevice({ stored, find, now, onDamaged, onDisposed }: PooledDeviceOptions): StoredDevice {
  let isDisposed = false;
  return {
    volume: stored.volume,
    contentId: stored.contentId,
    sizeBytes: stored.sizeBytes,
    extents: (offset, length, options) => stored.extents(offset, length, options),
    keptSegment: (index) => stored.keptSegment(index),
    listIds: stored.listIds,
    keptLists: (indexes) => stored.keptLists(indexes),
    async readAt(target, offset, options) {
      const entry = find();
      // The store's device refuses what is not within it.
      if (entry === undefined || offset < 0 || offset + target.byteLength > stored.sizeBytes) {
        return await stored.readAt(target, offset, options);
      }
      entry.use(now());
      const { file } = entry;
      if (file !== undefined) {
        options?.signal?.throwIfAborted();
        try {
          await file.readAt(target, offset);
          entry.hits += 1;
          return;
        } catch (error) {
          onDamaged(entry, file, error);
        }
      }
      entry.misses += 1;
      await stored.readAt(target, offset, options);
    },
    async [Symbol.asyncDispose]() {
      if (!isDisposed) onDisposed();
      isDisposed = true;
      await stored[Symbol.asyncDispose]();
    },
  };
}
