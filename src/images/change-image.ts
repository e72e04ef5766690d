import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import type { Architecture } from '../resources/guest-details.ts';
import { operationOn } from '../resources/operation-on.ts';
import type { Deprecation } from './deprecation.ts';
import type { Image } from './image.ts';
import { imageToJson } from './image-json.ts';
import { claimImageName, lockImage, replaceImage } from './image-rows.ts';
import { chooseMinDiskSize } from './min-disk-size.ts';
import { updateImageKind } from './operation-names.ts';

/** What may change of an image. What is not here stays. */
export interface ImageChange {
  readonly name?: string;
  readonly description?: string;
  /** All of them. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly family?: string;
  /** 0: the image's own size. */
  readonly minDiskSizeBytes?: number;
  /** Null: nothing is said any more. */
  readonly deprecation?: Deprecation | null;
  readonly architecture?: Architecture;
}

export interface ChangeImage {
  readonly imageId: string;
  readonly change: ImageChange;
  /** Looks at the image in the transaction of the change, and throws when it is not as the caller believed it to be. */
  readonly check?: (image: Image) => void;
}

/**
 * Changes what may change of an image, whatever its status, at once. The operation's input says which fields were asked
 * for, as `changed`. Throws NOT_FOUND, what `check` throws, ALREADY_EXISTS for the name, and INVALID_ARGUMENT for a
 * minimal disk size below the image's size.
 */
export async function changeImage(
  deps: { readonly db: Database },
  { imageId, change, check }: ChangeImage,
  caller: Caller,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const image = await lockImage(tx, imageId);
    if (image === undefined) throw notFound('Image', imageId);
    check?.(image);
    const changed = changedImage(image, change);
    await claimImageName(tx, changed, () => replaceImage(tx, changed));
    return insertFinishedOperation(tx, {
      kind: updateImageKind,
      ...operationOn(changed),
      description: 'Update image',
      createdBy: caller.subjectId,
      input: { changed: Object.keys(change) },
      result: imageToJson(changed),
    });
  });
}

function changedImage(image: Image, change: ImageChange): Image {
  const { minDiskSizeBytes, deprecation, architecture, ...texts } = change;
  return {
    ...image,
    ...texts,
    // While it is CREATING its size is 0: any value will do now, and the import checks it at its end.
    ...(minDiskSizeBytes === undefined
      ? {}
      : { minDiskSizeBytes: chooseMinDiskSize(minDiskSizeBytes, image.sizeBytes) }),
    ...(deprecation === undefined ? {} : { deprecation: deprecation ?? undefined }),
    ...(architecture === undefined ? {} : { guest: { ...image.guest, architecture } }),
  };
}
