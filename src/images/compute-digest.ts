import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { insertFinishedOperation, insertOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { findUnderWay, toOperation } from '../operations/operation-rows.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { operationOn } from '../resources/operation-on.ts';
import { findVolumeSha256 } from '../volumes/volume-rows.ts';
import { imageDigestToJson } from './image-digest.ts';
import { findImage } from './image-rows.ts';
import { imageNotReady } from './open-image-content.ts';
import { digestImageKind } from './operation-names.ts';

/**
 * Starts hashing the image's guest bytes as one file; done at once when that is known of its content. Whoever asks while
 * that is under way gets the same operation: those who only see an image must not fill the queue. Throws NOT_FOUND, FAILED_PRECONDITION until the image is READY, and RESOURCE_EXHAUSTED when the cloud has too many operations under way.
 */
export async function computeDigest(
  deps: { readonly db: Database; readonly runner: { wake(): void } },
  { imageId }: { readonly imageId: string },
  caller: Caller,
): Promise<Operation> {
  const operation = await startOnce(deps, caller, async (tx) => {
    const image = await findImage(tx, imageId);
    if (image === undefined) throw notFound('Image', imageId);
    if (image.volumeId === undefined) throw imageNotReady(image);
    const about = {
      kind: digestImageKind,
      ...operationOn(image),
      description: 'Compute image digest',
      createdBy: caller.subjectId,
    };
    const sha256 = await findVolumeSha256(tx, image.volumeId);
    if (sha256 === undefined) {
      const running = (await findUnderWay(tx, imageId)).find(({ kind }) => kind === digestImageKind);
      if (running !== undefined) return toOperation(running);
      const started = await insertOperation(tx, { ...about, input: {} });
      await assertWithinQuotas(tx, image.folderId, { 'compute.operations.count': 1 });
      return started;
    }
    const { guestDigest } = image;
    return insertFinishedOperation(tx, { ...about, result: imageDigestToJson({ imageId, sha256, guestDigest }) });
  });
  deps.runner.wake();
  return operation;
}
