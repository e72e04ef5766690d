import { resourceExhausted, ServiceError } from '../errors.ts';
import { beginUpload } from '../uploads/begin-upload.ts';
import { ownerOfBucket } from '../uploads/upload.ts';
import { bucketNotFound } from './bucket-errors.ts';
import { lockBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { getBucket } from './get-bucket.ts';
import { assertTerms } from './get-object.ts';
import { isObjectName } from './object-name.ts';
import { countObjects, findObjectByName, insertOpenObject } from './object-rows.ts';
import type { StoredObject } from './stored-object.ts';

export interface BeginObject extends Pick<StoredObject, 'bucket' | 'name' | 'contentType' | 'described' | 'terms'> {
  /** What is known of its length; 0 for nothing. Room for it is set aside. */
  readonly lengthBytes: number;
}

/**
 * Begins an object, and returns its upload's id. Throws NOT_FOUND for the bucket, INVALID_ARGUMENT for the name,
 * FAILED_PRECONDITION by the terms, and RESOURCE_EXHAUSTED.
 */
export async function beginObject(
  { db, uploads, limits }: Buckets,
  { lengthBytes, ...object }: BeginObject,
): Promise<string> {
  const { bucket, name, terms } = object;
  if (!isObjectName(name)) {
    const message = `Invalid object name: '${name.slice(0, 256).toWellFormed()}'`;
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
  }
  const { folderId } = await getBucket({ db }, { name: bucket });
  const upload = await beginUpload(
    uploads,
    { folderId, createdBy: ownerOfBucket(bucket), lengthBytes, metadata: filenameIn(name), grows: true },
    async (tx) => {
      if ((await lockBucket(tx, bucket))?.folderId !== folderId) throw bucketNotFound();
      await assertTerms(tx, terms, { named: await findObjectByName(tx, { bucket, name }), now: uploads.now() });
      if ((await countObjects(tx, bucket)) >= limits.maxObjects) {
        const message = `The bucket has ${limits.maxObjects} objects already. Delete some.`;
        throw resourceExhausted('TOO_MANY_OBJECTS', message);
      }
    },
    (tx, { id }) => insertOpenObject(tx, { ...object, uploadId: id }),
  );
  return upload.id;
}

/** The object's name as uploads have their files', for reports of what images were made of. */
function filenameIn(name: string): string {
  return `filename ${Buffer.from(name).toString('base64')}`;
}
