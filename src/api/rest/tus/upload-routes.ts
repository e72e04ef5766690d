import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { invalidField, ServiceError } from '../../../errors.ts';
import { checksumAlgorithms } from '../../../uploads/append-to-upload.ts';
import type { Upload } from '../../../uploads/upload.ts';
import { parseUploadMetadata } from '../../../uploads/upload-metadata.ts';
import type { UploadFunctions } from '../../obraz/upload-service.ts';
import type { HeaderLookup } from '../../request-ids.ts';
import { refuse } from '../rest-rpc.ts';
import { serveTus, type TusCall, type TusCallDeps, type TusHandler, type TusReply } from './tus-call.ts';
import {
  checkOffsetType,
  isOffsetType,
  readBodyLength,
  readChecksum,
  readUploadLength,
  readUploadOffset,
  tusExtensions,
  tusVersion,
} from './tus-headers.ts';

export const uploadsRoute = '/obraz/v1/uploads';
const uploadRoute = `${uploadsRoute}/{upload_id}`;

export interface UploadRoutesDeps extends TusCallDeps {
  readonly uploads: UploadFunctions;
}

/**
 * The tus protocol: begin an upload (POST), ask how far it is (HEAD), send more (PATCH), end it (DELETE). Reading and
 * listing are methods of UploadService. Bodies stay in the request: they are no JSON, and of any length.
 */
export async function addUploadRoutes(app: FastifyInstance, deps: UploadRoutesDeps): Promise<void> {
  const serve = async (
    route: string,
    handler: TusHandler | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    if (handler === undefined) return refuse(deps, noSuchVerb(route), request, reply, 404);
    return serveTus(deps, `${verbOf(request)} ${route}`, handler, request, reply);
  };

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  const config = { isLongBody: true };
  app.route({
    method: ['POST'],
    url: uploadsRoute,
    config,
    handler: (request, reply) => serve(uploadsRoute, begin(deps), request, reply),
  });
  app.route<{ Params: { uploadId: string } }>({
    method: ['HEAD', 'PATCH', 'DELETE', 'POST'],
    url: `${uploadsRoute}/:uploadId`,
    config,
    handler: (request, reply) => {
      const handlerOf = handlers[verbOf(request)];
      return serve(uploadRoute, handlerOf?.(deps, request.params.uploadId), request, reply);
    },
  });
  for (const url of [uploadsRoute, `${uploadsRoute}/:uploadId`]) {
    app.options(url, async (_request, reply) => reply.code(204).headers(whatIsSpoken(deps)).send());
  }
}

const handlers: Readonly<Record<string, (deps: UploadRoutesDeps, uploadId: string) => TusHandler>> = {
  HEAD: describe,
  PATCH: append,
  DELETE: remove,
};

/** For clients that know POST only, the protocol has a header with the verb that is meant. */
function verbOf({ method, headers }: FastifyRequest): string {
  const meant = headers['x-http-method-override'];
  return method === 'POST' && typeof meant === 'string' ? meant.toUpperCase() : method;
}

function begin({ uploads }: UploadRoutesDeps): TusHandler {
  return async (call) => {
    const { subject, authorize, header } = call;
    const lengthBytes = readUploadLength(header);
    const metadata = header('upload-metadata')?.trim() ?? '';
    const folderId = folderOf(header, metadata);
    await authorize({ folderId });
    const upload = await uploads.createUpload({ folderId, lengthBytes, metadata }, subject.id);
    const created = {
      status: 201,
      made: upload.id,
      headers: { location: `${uploadsRoute}/${upload.id}`, ...expiry(upload) },
    };
    if (!isOffsetType(header)) return created;
    const { headers, bytes = 0 } = await appendFirst(uploads, upload, call);
    return { ...created, headers: { ...created.headers, ...headers }, bytes };
  };
}

/** The body of a POST is the file's beginning. When it fails, its client has not learned where the upload is. */
async function appendFirst(uploads: UploadFunctions, upload: Upload, call: TusCall): Promise<TusReply> {
  try {
    return await appendBody(uploads, upload.id, 0, call);
  } catch (error) {
    await uploads.deleteUpload({ uploadId: upload.id }, call.subject.id);
    throw error;
  }
}

function describe({ uploads }: UploadRoutesDeps, uploadId: string): TusHandler {
  return async (call) => {
    await authorizeOwn(uploads, uploadId, call);
    const { subject } = call;
    const upload = await uploads.settleUpload({ uploadId }, subject.id);
    return {
      status: 200,
      headers: {
        'upload-offset': String(upload.durableBytes),
        'upload-length': String(upload.lengthBytes),
        ...(upload.metadata === '' ? {} : { 'upload-metadata': upload.metadata }),
        ...(upload.operationId === undefined ? {} : { 'obraz-operation-id': upload.operationId }),
        ...expiry(upload),
        'cache-control': 'no-store',
      },
    };
  };
}

function append({ uploads }: UploadRoutesDeps, uploadId: string): TusHandler {
  return async (call) => {
    const { header } = call;
    checkOffsetType(header);
    const offsetBytes = readUploadOffset(header);
    await authorizeOwn(uploads, uploadId, call);
    return await appendBody(uploads, uploadId, offsetBytes, call);
  };
}

async function appendBody(
  uploads: UploadFunctions,
  uploadId: string,
  offsetBytes: number,
  { subject, header, body, signal }: TusCall,
): Promise<TusReply> {
  const part = { bodyLength: readBodyLength(header), checksum: readChecksum(header), body, signal };
  const upload = await uploads.appendToUpload({ uploadId, offsetBytes, ...part }, subject.id);
  return {
    status: 204,
    headers: { 'upload-offset': String(upload.durableBytes), ...expiry(upload) },
    bytes: upload.durableBytes - offsetBytes,
  };
}

function remove({ uploads }: UploadRoutesDeps, uploadId: string): TusHandler {
  return async (call) => {
    await authorizeOwn(uploads, uploadId, call);
    const { subject } = call;
    await uploads.deleteUpload({ uploadId }, subject.id);
    return { status: 204, headers: {} };
  };
}

/** An upload is there for its subject alone, and of use to it as long as it may make images in the folder. */
async function authorizeOwn(
  uploads: UploadFunctions,
  uploadId: string,
  { subject, authorize }: TusCall,
): Promise<void> {
  const { folderId } = await uploads.getUpload({ uploadId }, subject.id);
  await authorize({ folderId });
}

/** The folder that the header names, or the metadata, where clients without headers of their own can put it. */
function folderOf(header: HeaderLookup, metadata: string): string {
  const values = parseUploadMetadata(metadata);
  if (values === undefined)
    throw invalidField('Upload-Metadata', 'must be keys and base64 values, with commas between');
  const [named, told] = [header('obraz-folder-id'), values.get('folderId')];
  if (named !== undefined && told !== undefined && named !== told) {
    throw invalidField('Obraz-Folder-Id', 'names another folder than folderId in Upload-Metadata');
  }
  const folderId = named ?? told;
  if (folderId) return folderId;
  throw invalidField('folderId', 'is required: in Upload-Metadata, or as the header Obraz-Folder-Id');
}

function expiry({ expiresAt }: Upload): Record<string, string> {
  return { 'upload-expires': expiresAt.toUTCString() };
}

function whatIsSpoken({ uploads }: UploadRoutesDeps): Record<string, string> {
  return {
    'tus-resumable': tusVersion,
    'tus-version': tusVersion,
    'tus-extension': tusExtensions,
    'tus-max-size': String(uploads.maxLengthBytes),
    'tus-checksum-algorithm': checksumAlgorithms.join(','),
  };
}

function noSuchVerb(route: string): ServiceError {
  const message = `This is no method of ${route}; HEAD, PATCH and DELETE would be`;
  return new ServiceError({ code: 'NOT_FOUND', reason: 'NO_SUCH_METHOD', message });
}
