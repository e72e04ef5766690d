import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../../../errors.ts';
import { CallRecord, type CallRecordDeps } from '../../call-record.ts';
import { requestIdHeaders } from '../../request-ids.ts';
import { headersOf, peerOf } from '../../rest/rest-connection.ts';
import { jsonType } from '../../rest/rest-reply.ts';
import { serveStreamed } from '../../rest/streamed-call.ts';
import {
  deleteBucket,
  getBucket,
  getStorageLayout,
  insertBucket,
  listBuckets,
  listManagedFolders,
} from './bucket-handlers.ts';
import { objectContent } from './object-content.ts';
import { deleteObject, getObject, listObjects } from './object-handlers.ts';
import { cancelResumable, continueResumable } from './resumable-handlers.ts';
import { type StorageDeps, type StorageHandler, serveStorage } from './storage-call.ts';
import { storageErrors } from './storage-errors.ts';
import { insertObject } from './upload-handlers.ts';

const buckets = '/storage/v1/b';
const objects = `${buckets}/:bucket/o`;
/** Where objects are sent. gcloud has resumable uploads at a path of their own. */
const uploads = [`/upload${objects}`, `/resumable/upload${objects}`];

type Params = { readonly bucket: string; readonly '*': string };
type HandlerOf = (deps: StorageDeps, params: Params) => StorageHandler;

/**
 * The part of Cloud Storage's JSON API that clients need to put files where images can be made of them:
 * docs/storage-api.md.
 */
export async function addStorageRoutes(app: FastifyInstance, deps: StorageDeps): Promise<void> {
  const add = (method: 'GET' | 'POST' | 'DELETE', url: string, handlerOf: HandlerOf): void => {
    app.route<{ Params: Params }>({
      method: [method],
      url,
      handler: (request, reply) =>
        serveStorage(deps, `${method} ${nameOf(url)}`, handlerOf(deps, request.params), request, reply),
    });
  };
  const addUpload = (method: 'POST' | 'PUT' | 'DELETE', handlerOf: HandlerOf): void => {
    for (const url of uploads) {
      app.route<{ Params: Params }>({
        method: [method],
        url,
        config: { isLongBody: true },
        handler: (request, reply) => {
          const row = `${method} ${nameOf(`/upload${objects}`)}`;
          return serveStorage(deps, row, handlerOf(deps, request.params), request, reply);
        },
      });
    }
  };

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  add('GET', buckets, listBuckets);
  add('POST', buckets, insertBucket);
  add('GET', `${buckets}/:bucket`, (bound, { bucket }) => getBucket(bound, bucket));
  add('DELETE', `${buckets}/:bucket`, (bound, { bucket }) => deleteBucket(bound, bucket));
  add('GET', `${buckets}/:bucket/storageLayout`, (bound, { bucket }) => getStorageLayout(bound, bucket));
  add('GET', `${buckets}/:bucket/managedFolders`, (bound, { bucket }) => listManagedFolders(bound, bucket));
  add('GET', objects, (bound, { bucket }) => listObjects(bound, bucket));
  add('DELETE', `${objects}/*`, (bound, { bucket, '*': name }) => deleteObject(bound, { bucket, name }));
  addUpload('POST', (bound, { bucket }) => insertObject(bound, bucket));
  addUpload('PUT', (bound, { bucket }) => continueResumable(bound, bucket));
  addUpload('DELETE', (bound, { bucket }) => cancelResumable(bound, bucket));

  for (const url of [`${objects}/*`, `/download${objects}/*`]) {
    app.route<{ Params: Params; Querystring: { alt?: string } }>({
      method: ['GET'],
      url,
      handler: async (request, reply) => {
        const { bucket, '*': name } = request.params;
        const isMedia = url.startsWith('/download') || request.query.alt === 'media';
        const row = nameOf(`${objects}/*`);
        if (!isMedia) return serveStorage(deps, `GET ${row}`, getObject(deps, { bucket, name }), request, reply);
        const handler = objectContent(deps, { bucket, name });
        await serveStreamed(deps, row, handler, request, reply, storageErrors);
        return reply;
      },
    });
  }
  for (const root of ['/storage/v1', '/upload/storage/v1', '/resumable/upload/storage/v1', '/download/storage/v1']) {
    app.all(`${root}/*`, (request, reply) => refuse(deps, noSuchMethod(), request, reply));
  }
}

/** A route as its row in access/method-rules.ts is called. */
function nameOf(url: string): string {
  return url.replace(':bucket', '{bucket}').replace('*', '{object}');
}

/** Answers and logs what got no further than its path. */
function refuse(deps: CallRecordDeps, error: ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = (request.raw.url ?? '').split('?');
  const method = `${request.method} ${path.slice(0, 256)}`;
  const record = new CallRecord(deps, { header: headersOf(request), method, door: 'rest', peer: peerOf(request) });
  record.end({ code: error.code, reason: error.reason, cause: error.cause });
  const head = { ...requestIdHeaders(record.ids), 'content-type': jsonType };
  const body = storageErrors.body(error, record.ids.requestId);
  return reply.code(storageErrors.status(error)).headers(head).send(body);
}

function noSuchMethod(): ServiceError {
  return new ServiceError({ code: 'NOT_FOUND', reason: 'NO_SUCH_METHOD', message: 'Not Found' });
}
