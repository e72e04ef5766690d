import type { Readable } from 'node:stream';
import type { BeginObject } from '../buckets/begin-object.ts';
import type { StoredObject } from '../buckets/stored-object.ts';
import type { BucketFunctions } from './bucket-functions.ts';

/**
 * Makes an object of one body. `check` throws when the body, now that it has come, is not what it was said to be. Of a request
 * that fails nothing is kept: its client does not know that anything was.
 */
export async function insertWhole(
  storage: BucketFunctions,
  request: BeginObject,
  { body, signal, check = () => {} }: { body: Readable; signal: AbortSignal; check?: () => void },
): Promise<StoredObject> {
  const { bucket } = request;
  const uploadId = await storage.beginObject(request);
  try {
    const begun = await storage.getObjectSession({ bucket, uploadId });
    await storage.appendToObject(begun, { offsetBytes: 0, body, signal });
    check();
    return await storage.finishObject({ uploadId });
  } catch (error) {
    // What cannot be dropped now expires.
    await storage.dropObject({ uploadId }).catch(() => {});
    throw error;
  }
}
