import type { GetObject } from '../../../buckets/get-object.ts';
import { authorizedBucket } from '../../authorized-bucket.ts';
import type { StorageDeps, StorageHandler } from './storage-call.ts';
import { etagOf, objectJson } from './storage-json.ts';
import { numberOf, pageOf, termsOf } from './storage-query.ts';

export interface ObjectPath {
  readonly bucket: string;
  readonly name: string;
}

export function listObjects(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    const { query, baseUrl } = call;
    await authorizedBucket(deps, call, bucket);
    const { objects, prefixes, nextPageToken } = await deps.storage.listObjects({
      bucket,
      ...pageOf(query),
      delimiter: query.get('delimiter') ?? '',
      startOffset: query.get('startOffset') ?? '',
      endOffset: query.get('endOffset') ?? '',
    });
    const list = {
      kind: 'storage#objects',
      ...(nextPageToken === '' ? {} : { nextPageToken }),
      ...(prefixes.length === 0 ? {} : { prefixes }),
      ...(objects.length === 0 ? {} : { items: objects.map((object) => objectJson(object, baseUrl)) }),
    };
    return { status: 200, json: list };
  };
}

export function getObject(deps: StorageDeps, path: ObjectPath): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, path.bucket);
    const object = await deps.storage.getObject(askedObject(path, call.query));
    return { status: 200, headers: { etag: etagOf(object) }, json: objectJson(object, call.baseUrl) };
  };
}

export function deleteObject(deps: StorageDeps, path: ObjectPath): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, path.bucket);
    await deps.storage.deleteObject(askedObject(path, call.query));
    return { status: 204, made: `${path.bucket}/${path.name}` };
  };
}

/** The object that a path and a query ask for. Throws INVALID_ARGUMENT. */
export function askedObject({ bucket, name }: ObjectPath, query: URLSearchParams): GetObject {
  return { bucket, name, generation: numberOf(query, 'generation'), terms: termsOf(query) };
}
