import { objectNotFound } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { type GetObject, getObject } from './get-object.ts';
import { letGo, removeBytes } from './let-go.ts';
import { findObjectOfUpload } from './object-rows.ts';

/** Deletes an object; imports that read it go on. Throws as getObject. */
export async function deleteObject(buckets: Buckets, request: GetObject): Promise<void> {
  const { upload } = await getObject(buckets, request);
  const gone = await buckets.db.transact(async (tx) => {
    // Replaced or deleted meanwhile: the one that was asked for is gone.
    if ((await findObjectOfUpload(tx, upload.id)) === undefined) throw objectNotFound(request);
    return letGo(tx, upload.id);
  });
  await removeBytes(buckets, gone);
}
