import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import { maskedFields, maskedNaming } from '../resources/update-mask.ts';
import { changeImage } from './change-image.ts';

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

/** Changes what the mask names. Throws as changeImage, and INVALID_ARGUMENT for a path of the mask. */
export async function updateImage(
  deps: { readonly db: Database },
  request: UpdateImage,
  caller: Caller,
): Promise<Operation> {
  const { imageId, minDiskSizeBytes } = request;
  const fields = maskedFields(request.paths, mutableFields);
  const change = {
    ...maskedNaming(fields, request),
    ...(fields.has('min_disk_size') ? { minDiskSizeBytes } : {}),
  };
  return changeImage(deps, { imageId, change }, caller);
}
