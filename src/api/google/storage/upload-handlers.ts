import type { Readable } from 'node:stream';
import type { StoredObject } from '../../../buckets/stored-object.ts';
import { type ObjectRequest, readObjectRequest } from './object-request.ts';
import { jsonObject, readJson } from './read-json.ts';
import { boundaryOf, readRelatedBody } from './related-body.ts';
import {
  authorizedBucket,
  type StorageCall,
  type StorageDeps,
  type StorageHandler,
  type StorageReply,
} from './storage-call.ts';
import { objectJson } from './storage-json.ts';
import { invalidArgument } from './storage-query.ts';
import { through } from './through.ts';

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
    const { body, header, query } = call;
    const request = readObjectRequest({}, query, header, header('content-type'));
    const length = header('content-length');
    return insertWhole(deps, call, { bucket, ...request, lengthBytes: Number(length ?? 0) }, body);
  };
}

function insertMultipart(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    const { body, header, query, signal } = call;
    const {
      json,
      contentType,
      mostBytes = 0,
      file,
    } = await readRelatedBody(body, boundaryOf(header('content-type')), signal);
    const request = readObjectRequest(jsonObject(json), query, header, contentType);
    return through(body, file, () => insertWhole(deps, call, { bucket, ...request, lengthBytes: mostBytes }, file));
  };
}

/** Of a request that fails nothing is kept: its client does not know that anything was. */
async function insertWhole(
  { storage }: StorageDeps,
  { signal, baseUrl }: StorageCall,
  request: ObjectRequest & { readonly bucket: string; readonly lengthBytes: number },
  body: Readable,
): Promise<StorageReply> {
  const { bucket } = request;
  const uploadId = await storage.beginObject(request);
  try {
    const begun = await storage.getObjectSession({ bucket, uploadId });
    await storage.appendToObject(begun, { offsetBytes: 0, body, signal });
    return objectReply(await storage.finishObject({ uploadId }), baseUrl);
  } catch (error) {
    // What cannot be dropped now expires.
    await storage.dropObject({ uploadId }).catch(() => {});
    throw error;
  }
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
