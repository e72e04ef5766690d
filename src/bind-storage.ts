import { findAccessKeyOwner } from './access/access-key-rows.ts';
import { accessKeySecret } from './access/access-key-secret.ts';
import type { AccessDeps } from './access/authorize.ts';
import type { TokenKey } from './access/token-key.ts';
import type { StorageFunctions } from './api/google/storage/storage-functions.ts';
import type { S3Functions } from './api/s3/s3-call.ts';
import { appendToObject } from './buckets/append-to-object.ts';
import { beginObject } from './buckets/begin-object.ts';
import type { Buckets } from './buckets/buckets.ts';
import { createBucket } from './buckets/create-bucket.ts';
import { deleteBucket } from './buckets/delete-bucket.ts';
import { deleteObject } from './buckets/delete-object.ts';
import { dropObject } from './buckets/drop-object.ts';
import { finishObject } from './buckets/finish-object.ts';
import { finishParts } from './buckets/finish-parts.ts';
import { getBucket } from './buckets/get-bucket.ts';
import { getObject } from './buckets/get-object.ts';
import { getObjectSession } from './buckets/get-object-session.ts';
import { listBuckets } from './buckets/list-buckets.ts';
import { listObjects } from './buckets/list-objects.ts';
import { openObject } from './buckets/open-object.ts';
import { putPart } from './buckets/put-part.ts';
import { findFoldersCalled } from './folders/find-folders-called.ts';

/** What the storage API calls. */
export function bindStorage({
  access,
  buckets,
  tokenKey,
  isOurHost,
}: {
  readonly access: AccessDeps;
  readonly buckets: Buckets;
  readonly tokenKey: TokenKey;
  readonly isOurHost: (host: string) => boolean;
}): StorageFunctions & S3Functions {
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
    putPart: (session, part) => putPart(buckets, session, part),
    finishParts: (session, request) => finishParts(buckets, session, request),
    isOurHost,
    async findAccessKey(keyId) {
      const owner = await findAccessKeyOwner(access.db.read, keyId);
      if (owner === undefined) return undefined;
      const subject = { id: owner.serviceAccountId, kind: 'serviceAccount' } as const;
      return { subject, folderId: owner.folderId, secret: accessKeySecret(tokenKey, keyId) };
    },
  };
}
