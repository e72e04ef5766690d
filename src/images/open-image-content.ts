import { failedPrecondition, type ServiceError } from '../errors.ts';
import { openContent } from '../resources/open-content.ts';
import type { Store } from '../volumes/store.ts';
import type { StoredDevice } from '../volumes/stored-device.ts';
import { getImage } from './get-image.ts';
import type { Image } from './image.ts';

/** Opens an image's guest bytes for reading. The caller disposes the device. Throws as openContent. */
export async function openImageContent(
  deps: { readonly store: Store },
  { imageId }: { readonly imageId: string },
): Promise<StoredDevice> {
  const image = await getImage(deps.store, { imageId });
  const { id, volumeId } = image;
  if (volumeId === undefined) throw imageNotReady(image);
  return await openContent(deps.store, { noun: 'Image', id, volumeId });
}

export function imageNotReady({ id, status }: Image): ServiceError {
  return failedPrecondition(
    'IMAGE_NOT_READY',
    `Image "${id}" has no content yet: its status is ${status}. Wait until it is READY.`,
  );
}
