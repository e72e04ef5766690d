import { BlobFailed } from '../blobs/blob-failed.ts';
import { dataLoss, notFound, type ResourceNoun } from '../errors.ts';
import type { Extent } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { MissingChunks } from '../volumes/manifest-rows.ts';
import { ChunkCorrupt } from '../volumes/quarantine.ts';
import type { Store } from '../volumes/store.ts';
import { openVolume, type StoredDevice, VolumeMissing } from '../volumes/stored-device.ts';

/** Whose content is read, for the messages. */
export interface ContentOwner {
  readonly noun: ResourceNoun;
  readonly id: string;
  readonly volumeId: string;
}

/**
 * Opens the stored bytes of an image, a snapshot or a disk's base for reading. The caller disposes the device. Bytes that
 * are damaged or lost are DATA_LOSS, here and from the device; NOT_FOUND means that the owner was deleted meanwhile.
 */
export async function openContent(store: Store, owner: ContentOwner): Promise<StoredDevice> {
  try {
    return explained(await openVolume(store, owner.volumeId), owner);
  } catch (error) {
    throw explainReadFailure(error, owner);
  }
}

/** The device, with failures in the caller's words. */
function explained(device: StoredDevice, owner: ContentOwner): StoredDevice {
  const explain = (error: unknown): never => {
    throw explainReadFailure(error, owner);
  };
  return {
    volume: device.volume,
    contentId: device.contentId,
    sizeBytes: device.sizeBytes,
    async *extents(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent> {
      try {
        yield* device.extents(offset, length, options);
      } catch (error) {
        throw explainReadFailure(error, owner);
      }
    },
    async readAt(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void> {
      try {
        await device.readAt(target, offset, options);
      } catch (error) {
        throw explainReadFailure(error, owner);
      }
    },
    async keptSegment(index) {
      try {
        const segment = await device.keptSegment(index);
        return segment && { ...segment, extents: () => segment.extents().catch(explain) };
      } catch (error) {
        throw explainReadFailure(error, owner);
      }
    },
    listIds: device.listIds,
    async *keptLists(indexes) {
      try {
        yield* device.keptLists(indexes);
      } catch (error) {
        throw explainReadFailure(error, owner);
      }
    },
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

function explainReadFailure(error: unknown, { noun, id }: ContentOwner): unknown {
  if (error instanceof VolumeMissing) return notFound(noun, id);
  const isLost = error instanceof BlobFailed && (error.failure === 'missing' || error.failure === 'short');
  if (isLost || error instanceof ChunkCorrupt || error instanceof MissingChunks) {
    const remedy = 'Import the same file again, which stores them anew.';
    return dataLoss(`Stored bytes of ${noun.toLowerCase()} "${id}" are damaged or lost. ${remedy}`, error);
  }
  return error;
}
