import type { StoredObject } from '../../../buckets/stored-object.ts';
import { authorizedBucket } from '../../authorized-bucket.ts';
import { insertWhole } from '../../insert-whole.ts';
import { through } from '../../rest/through.ts';
import { readObjectRequest } from './object-request.ts';
import { jsonObject, readJson } from './read-json.ts';
import { boundaryOf, readRelatedBody } from './related-body.ts';
import type { StorageDeps, StorageHandler, StorageReply } from './storage-call.ts';
import { objectJson } from './storage-json.ts';
import { invalidArgument } from './storage-query.ts';

/** Ways to send an object: in one request, with or without what is said of it, or in many. */
const handlers: Readonly<Record<string, typeof insertObject>> = {
  media: insertMedia,
  multipart: insertMultipart,
  resumable: beginResumable,
};

export function insertObject(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, bucket);
    const handler = handlers[call.query.get('uploadType') ?? ''];
    if (handler === undefined) throw invalidArgument('uploadType must be media, multipart or resumable.');
    return handler(deps, bucket)(call);
  };
}

function insertMedia(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    const { body, header, query, signal, baseUrl } = call;
    const request = readObjectRequest({}, query, header, header('content-type'));
    const length = header('content-length');
    const object = { bucket, ...request, lengthBytes: Number(length ?? 0) };
    return objectReply(await insertWhole(deps.storage, object, { body, signal }), baseUrl);
  };
}

function insertMultipart(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    const { body, header, query, signal, baseUrl } = call;
    const {
      json,
      contentType,
      mostBytes = 0,
      file,
    } = await readRelatedBody(body, boundaryOf(header('content-type')), signal);
    const request = readObjectRequest(jsonObject(json), query, header, contentType);
    const object = { bucket, ...request, lengthBytes: mostBytes };
    const made = await through(body, file, () => insertWhole(deps.storage, object, { body: file, signal }));
    return objectReply(made, baseUrl);
  };
}

function beginResumable({ storage }: StorageDeps, bucket: string): StorageHandler {
  return async ({ body, header, query, baseUrl, signal }) => {
    const json = await readJson(body, signal);
    const request = readObjectRequest(json, query, header, header('x-upload-content-type'));
    const length = header('x-upload-content-length') ?? '0';
    if (!/^\d{1,19}$/.test(length)) throw invalidArgument('X-Upload-Content-Length must be a whole number of bytes.');
    const uploadId = await storage.beginObject({ bucket, ...request, lengthBytes: Number(length) });
    const location = `${baseUrl}/resumable/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${uploadId}`;
    return { status: 200, headers: { location, 'x-guploader-uploadid': uploadId }, made: `${bucket}/${request.name}` };
  };
}

export function objectReply(object: StoredObject, baseUrl: string): StorageReply {
  const { bucket, name, upload } = object;
  return { status: 200, json: objectJson(object, baseUrl), made: `${bucket}/${name}`, bytes: upload.lengthBytes };
}
