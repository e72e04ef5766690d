import { BlobFailed } from '../blobs/blob-failed.ts';
import { dataLoss, failedPrecondition, notFound, type ServiceError } from '../errors.ts';
import type { Extent } from '../formats/block-device.ts';
import type { ReadOptions } from '../formats/byte-source.ts';
import { MissingChunks } from '../volumes/manifest-rows.ts';
import { ChunkCorrupt } from '../volumes/quarantine.ts';
import type { Store } from '../volumes/store.ts';
import { openVolume, type StoredDevice, VolumeMissing } from '../volumes/stored-device.ts';
import { getImage } from './get-image.ts';
import type { Image } from './image.ts';

/**
 * Opens an image's guest bytes for reading. The caller disposes the device. Stored bytes that are damaged or lost are
 * DATA_LOSS, here and from the device.
 */
export async function openImageContent(
  deps: { readonly store: Store },
  { imageId }: { readonly imageId: string },
): Promise<StoredDevice> {
  const image = await getImage(deps.store, { imageId });
  if (image.volumeId === undefined) throw imageNotReady(image);
  try {
    return explained(await openVolume(deps.store, image.volumeId), imageId);
  } catch (error) {
    throw explainReadFailure(error, imageId);
  }
}

export function imageNotReady({ id, status }: Image): ServiceError {
  return failedPrecondition(
    'IMAGE_NOT_READY',
    `Image "${id}" has no content yet: its status is ${status}. Wait until it is READY.`,
  );
}

/** The device, with failures in the caller's words. */
function explained(device: StoredDevice, imageId: string): StoredDevice {
  return {
    contentId: device.contentId,
    sizeBytes: device.sizeBytes,
    async *extents(offset: number, length: number, options?: ReadOptions): AsyncIterable<Extent> {
      try {
        yield* device.extents(offset, length, options);
      } catch (error) {
        throw explainReadFailure(error, imageId);
      }
    },
    async readAt(target: Uint8Array, offset: number, options?: ReadOptions): Promise<void> {
      try {
        await device.readAt(target, offset, options);
      } catch (error) {
        throw explainReadFailure(error, imageId);
      }
    },
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

function explainReadFailure(error: unknown, imageId: string): unknown {
  // Deleted since we looked.
  if (error instanceof VolumeMissing) return notFound('Image', imageId);
  const isLost = error instanceof BlobFailed && (error.failure === 'missing' || error.failure === 'short');
  if (isLost || error instanceof ChunkCorrupt || error instanceof MissingChunks) {
    const remedy = 'Import the same file again, which stores them anew.';
    return dataLoss(`Stored bytes of image "${imageId}" are damaged or lost. ${remedy}`, error);
  }
  return error;
}
