import type { AppendToObject } from '../buckets/append-to-object.ts';
import type { BeginObject } from '../buckets/begin-object.ts';
import type { Bucket } from '../buckets/bucket.ts';
import type { GetObject } from '../buckets/get-object.ts';
import type { ListObjects, ObjectPage } from '../buckets/list-objects.ts';
import type { NameQuery } from '../buckets/name-page.ts';
import type { OpenedObject } from '../buckets/open-object.ts';
import type { StoredObject, Terms } from '../buckets/stored-object.ts';
import type { Page } from '../lib/page.ts';
import type { Upload } from '../uploads/upload.ts';

/** What the doors to buckets call, with what it needs already bound; see buckets/. */
export interface BucketFunctions {
  createBucket(request: Omit<Bucket, 'createdAt'>): Promise<Bucket>;
  getBucket(request: { name: string }): Promise<Bucket>;
  listBuckets(request: NameQuery & { folderId: string }): Promise<Page<Bucket>>;
  deleteBucket(request: { name: string }): Promise<void>;
  getObject(request: GetObject): Promise<StoredObject>;
  openObject(request: GetObject): Promise<OpenedObject>;
  listObjects(request: ListObjects): Promise<ObjectPage>;
  deleteObject(request: GetObject): Promise<void>;
  beginObject(request: BeginObject): Promise<string>;
  getObjectSession(request: { bucket: string; uploadId: string }): Promise<StoredObject>;
  appendToObject(object: StoredObject, part: AppendToObject): Promise<Upload>;
  finishObject(request: { uploadId: string; terms?: Terms }): Promise<StoredObject>;
  dropObject(request: { uploadId: string }): Promise<void>;
}
