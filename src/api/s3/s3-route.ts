import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServiceError } from '../../errors.ts';
import { CallRecord } from '../call-record.ts';
import { requestIdHeaders } from '../request-ids.ts';
import { answerHead } from '../rest/answer-early.ts';
import { headersOf, peerOf } from '../rest/rest-connection.ts';
import { serveStreamed } from '../rest/streamed-call.ts';
import { serveWhole, type WholeCall } from '../rest/whole-call.ts';
import { objectContent } from './object-content.ts';
import { findOperation } from './operations.ts';
import { objectOf, type S3Deps } from './s3-call.ts';
import { s3Error, s3Errors } from './s3-error.ts';
import { isSignedForS3, readS3Request } from './s3-request.ts';
import { targetOf } from './storage-host.ts';
import { type Signer, verifyRequest } from './verify-request.ts';

/** Where the router is told that requests to this door are. Nobody gets there by it: what is not signed is refused. */
const s3Path = '/.s3';

/**
 * The part of Amazon's S3 that clients need to put files where images can be made of them: docs/storage-api.md. Its paths are
 * anybody's bucket names, so its requests are told by their signature, which no other door knows: for `rewriteUrl` of the
 * server.
 */
export function rewriteS3Url({
  url = '',
  headers,
}: {
  readonly url?: string | undefined;
  readonly headers: { readonly authorization?: string | undefined };
}): string {
  return isSignedForS3({ url, authorization: headers.authorization }) ? s3Path : url;
}

export async function addS3Route(app: FastifyInstance, deps: S3Deps): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  const handler = (request: FastifyRequest, reply: FastifyReply) => serveS3(deps, request, reply);
  app.route({ method: ['PUT', 'POST'], url: s3Path, config: { isLongBody: true }, handler });
  app.route({ method: ['GET', 'HEAD', 'DELETE'], url: s3Path, handler });
}

async function serveS3(deps: S3Deps, fastifyRequest: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const request = readS3Request(fastifyRequest);
  const target = targetOf(request, (host) => deps.storage.isOurHost(host));
  if (target === undefined)
    return refuse(deps, s3Error('InvalidRequest', 'The path is malformed.'), fastifyRequest, reply);
  const operation = findOperation(request.verb, target, request.query);
  if (operation === undefined) {
    const message = 'A parameter you provided implies functionality that is not implemented';
    return refuse(deps, s3Error('NotImplemented', message), fastifyRequest, reply);
  }
  const { method, handler, isLong } = operation;
  if (handler === undefined) {
    const authenticate = async () => (await verifyRequest(deps.storage, request)).subject;
    const content = objectContent(deps, objectOf({ target }));
    const route = method.slice(method.indexOf(' ') + 1);
    await serveStreamed({ ...deps, authenticate }, route, content, fastifyRequest, reply, s3Errors);
    return reply;
  }
  let signer: Signer | undefined;
  const route = {
    method,
    gate: isLong ? deps.bodies : deps.calls,
    errors: s3Errors,
    authenticate: async () => {
      signer = await verifyRequest(deps.storage, request);
      return signer.subject;
    },
  };
  const work = async (call: WholeCall) => {
    if (signer === undefined) throw new Error('nobody was authenticated');
    return await handler(deps, { ...call, request, target, signer });
  };
  return await serveWhole(deps, route, work, fastifyRequest, reply);
}

/** Answers and logs what got no further than its target. */
function refuse(deps: S3Deps, error: ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const method = `${request.method} /s3`;
  const record = new CallRecord(deps, { header: headersOf(request), method, door: 'rest', peer: peerOf(request) });
  record.end({ code: error.code, reason: error.reason, cause: error.cause });
  const headers = { ...requestIdHeaders(record.ids), 'content-type': s3Errors.type };
  const body = s3Errors.body(error, record.ids.requestId);
  return answerHead(request, reply, { status: s3Errors.status(error), headers, body });
}
