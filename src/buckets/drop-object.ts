import type { Buckets } from './buckets.ts';
import { letGo, removeBytes } from './let-go.ts';
import { findObjectOfUpload } from './object-rows.ts';

/** Ends what is not whole yet, and the request that sends it. Does nothing to an object that is, or is gone. */
export async function dropObject(buckets: Buckets, { uploadId }: { readonly uploadId: string }): Promise<void> {
  const { db, uploads } = buckets;
  using _turn = await uploads.turns.take(uploadId);
  const gone = await db.transact(async (tx) => {
    const object = await findObjectOfUpload(tx, uploadId);
    return object !== undefined && object.generation === 0 ? await letGo(tx, uploadId) : [];
  });
  await removeBytes(buckets, gone);
}
