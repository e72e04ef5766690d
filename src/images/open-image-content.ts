import { failedPrecondition } from '../errors.ts';
import type { Store } from '../volumes/store.ts';
import { openVolume, type StoredDevice } from '../volumes/stored-device.ts';
import { getImage } from './get-image.ts';

/** Opens an image's guest bytes for reading. The caller disposes the device. */
export async function openImageContent(
  deps: { readonly store: Store },
  { imageId }: { readonly imageId: string },
): Promise<StoredDevice> {
  const image = await getImage(deps.store, { imageId });
  if (image.volumeId === undefined) {
    throw failedPrecondition(
      'IMAGE_NOT_READY',
      `Image "${imageId}" has no content yet: its status is ${image.status}. Wait until it is READY.`,
    );
  }
  return await openVolume(deps.store, image.volumeId);
}
