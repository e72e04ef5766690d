import type { ObjectName } from '../lib/object-name.ts';
import { uploadUri } from '../lib/upload-uri.ts';
import { findBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { getObject } from './get-object.ts';

/** An object as the source of an image. */
export interface FoundObject {
  /** What the right to read it is asked on; for `objectsFolderId` of the image's source then. */
  readonly folderId: string;
  readonly uri: string;
}

/**
 * Where an object is; undefined when its bucket is none of ours. Throws NOT_FOUND. Who asks must ask for the right to read
 * the folder before anything is told of it.
 */
export async function findObject(
  buckets: Pick<Buckets, 'db' | 'uploads'>,
  { bucket, object }: ObjectName,
): Promise<FoundObject | undefined> {
  if ((await findBucket(buckets.db.read, bucket)) === undefined) return undefined;
  const { upload } = await getObject(buckets, { bucket, name: object });
  return { folderId: upload.folderId, uri: uploadUri(upload.id) };
}
