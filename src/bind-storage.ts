import type { AccessDeps } from './access/authorize.ts';
import type { StorageFunctions } from './api/google/storage/storage-functions.ts';
import { appendToObject } from './buckets/append-to-object.ts';
import { beginObject } from './buckets/begin-object.ts';
import type { Buckets } from './buckets/buckets.ts';
import { createBucket } from './buckets/create-bucket.ts';
import { deleteBucket } from './buckets/delete-bucket.ts';
import { deleteObject } from './buckets/delete-object.ts';
import { dropObject } from './buckets/drop-object.ts';
import { finishObject } from './buckets/finish-object.ts';
import { getBucket } from './buckets/get-bucket.ts';
import { getObject } from './buckets/get-object.ts';
import { getObjectSession } from './buckets/get-object-session.ts';
import { listBuckets } from './buckets/list-buckets.ts';
import { listObjects } from './buckets/list-objects.ts';
import { openObject } from './buckets/open-object.ts';
import { findFoldersCalled } from './folders/find-folders-called.ts';

/** What the storage API calls. */
export function bindStorage({
  access,
  buckets,
}: {
  readonly access: AccessDeps;
  readonly buckets: Buckets;
}): StorageFunctions {
  return {
    findFoldersCalled: (idOrName, subject) => findFoldersCalled(access, idOrName, subject),
    createBucket: (request) => createBucket(buckets, request),
    getBucket: (request) => getBucket(buckets, request),
    listBuckets: (request) => listBuckets(buckets, request),
    deleteBucket: (request) => deleteBucket(buckets, request),
    getObject: (request) => getObject(buckets, request),
    openObject: (request) => openObject(buckets, request),
    listObjects: (request) => listObjects(buckets, request),
    deleteObject: (request) => deleteObject(buckets, request),
    beginObject: (request) => beginObject(buckets, request),
    getObjectSession: (request) => getObjectSession(buckets, request),
    appendToObject: (object, part) => appendToObject(buckets, object, part),
    finishObject: (request) => finishObject(buckets, request),
    dropObject: (request) => dropObject(buckets, request),
  };
}
