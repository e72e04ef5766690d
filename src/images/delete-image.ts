import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { cancelUnderWay } from '../operations/cancel-under-way.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { OperationKinds } from '../operations/kind.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { discardImage } from './discard-image.ts';
import { lockImage } from './image-rows.ts';
import { createImageKind, deleteImageKind, digestImageKind } from './operation-names.ts';

export interface DeleteImageDeps {
  readonly db: Database;
  readonly kinds: OperationKinds;
  readonly runner: { abort(operationId: string): void };
}

/**
 * Deletes an image, whatever its status, at once: its name is free when this returns. Deleting one that is CREATING
 * cancels the operation that makes it, and one that only reads it. What was made from the image is not touched. Throws NOT_FOUND, and
 * FAILED_PRECONDITION while another operation on the image is under way.
 */
export async function deleteImage(
  deps: DeleteImageDeps,
  { imageId }: { readonly imageId: string },
  caller: Caller,
): Promise<Operation> {
  let cancelledIds: readonly string[] = [];
  const operation = await startOnce(deps, caller, async (tx) => {
    const image = await lockImage(tx, imageId);
    if (image === undefined) throw notFound('Image', imageId);
    cancelledIds = await cancelUnderWay(tx, deps.kinds, imageId, [createImageKind, digestImageKind]);
    await discardImage(tx, imageId);
    return insertFinishedOperation(tx, {
      kind: deleteImageKind,
      ...operationOn(image),
      description: 'Delete image',
      createdBy: caller.subjectId,
      result: {},
    });
  });
  for (const id of cancelledIds) deps.runner.abort(id);
  return operation;
}
