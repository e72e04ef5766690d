import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import type { Image } from './image.ts';
import { imageToJson } from './image-json.ts';
import { claimImageName, lockImage, replaceImage } from './image-rows.ts';
import { chooseMinDiskSize } from './min-disk-size.ts';
import { updateImageKind } from './operation-names.ts';

export interface UpdateImage {
  readonly imageId: string;
  /** The mask, in the request's own (proto) names. Without one, or with an empty one, every field below is set. */
  readonly paths: readonly string[] | undefined;
  readonly name: string;
  readonly description: string;
  /** 0: the image's own size. */
  readonly minDiskSizeBytes: number;
  /** Replace the labels, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

const mutableFields = ['name', 'description', 'labels', 'min_disk_size'] as const;
type MutableField = (typeof mutableFields)[number];

/**
 * Changes what may change of an image, whatever its status, at once. Throws NOT_FOUND, ALREADY_EXISTS for the name,
 * INVALID_ARGUMENT for a path of the mask or a minimal disk size below the image's size.
 */
export async function updateImage(
  deps: { readonly db: Database },
  request: UpdateImage,
  caller: Caller,
): Promise<Operation> {
  const fields = maskedFields(request.paths, mutableFields);
  return startOnce(deps, caller, async (tx) => {
    const image = await lockImage(tx, request.imageId);
    if (image === undefined) throw notFound('Image', request.imageId);
    const updated = change(image, request, fields);
    await claimImageName(tx, updated, () => replaceImage(tx, updated));
    return insertFinishedOperation(tx, {
      kind: updateImageKind,
      folderId: image.folderId,
      resourceId: image.id,
      description: 'Update image',
      createdBy: caller.subjectId,
      result: imageToJson(updated),
    });
  });
}

function change(image: Image, request: UpdateImage, fields: ReadonlySet<MutableField>): Image {
  const { minDiskSizeBytes } = request;
  return {
    ...image,
    ...maskedNaming(fields, request),
    // While it is CREATING its size is 0: any value will do now, and the import checks it at its end.
    ...(fields.has('min_disk_size') ? { minDiskSizeBytes: chooseMinDiskSize(minDiskSizeBytes, image.sizeBytes) } : {}),
  };
}
