import { type Message, toJson } from '@bufbuild/protobuf';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { internal, ServiceError } from '../../errors.ts';
import type { ApiService } from '../api-service.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { answer, type PipelineDeps } from '../pipeline.ts';
import { requestIdHeaders } from '../request-ids.ts';
import { arrivalOf, headersOf, peerOf, splitTarget } from '../rest/rest-connection.ts';
import { findRoute, type Route, routesOf } from '../rest/routes.ts';
import { retryAfterHeader } from '../retry-after.ts';
import { malformed } from './compute-errors.ts';
import { computeRequest, requestIdOf } from './compute-request.ts';
import { googleErrorBody, googleStatus } from './google-error.ts';

/** What every path of the Compute API begins with; Yandex's never go on with `projects`. */
const computePaths = '/compute/v1/projects/*';

/** As the public service spells it. */
export const googleJsonType = 'application/json; charset=UTF-8';

const nothing = new Uint8Array(0);

/**
 * The Compute Engine API: routes out of its protos, the one pipeline of all calls, and the public service's own way to write
 * requests, replies and errors.
 */
export async function addComputeRoutes(
  app: FastifyInstance,
  deps: PipelineDeps,
  services: readonly ApiService[],
): Promise<void> {
  const routes = routesOf(services);
  app.setErrorHandler((error, request, reply) => answerUnread(deps, error, request, reply));
  app.all(computePaths, (request, reply) => answerCompute(deps, routes, request, reply));
}

async function answerCompute(
  deps: PipelineDeps,
  routes: readonly Route[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path, search] = splitTarget(request);
  const match = findRoute(routes, request.method, path);
  if (match.kind !== 'found') return refuse(deps, noSuchMethod(request.method, path), request, reply);

  const { route, pathFields } = match;
  const { output } = route.method.desc;
  const query = new URLSearchParams(search);
  const body = request.body instanceof Uint8Array ? request.body : nothing;
  const answered = await answer<string>(deps, {
    method: route.method,
    ...arrivalOf(request, reply),
    sizeBytes: body.length + search.length,
    decode: () => computeRequest(route, pathFields, query, body),
    idempotencyKey: () => requestIdOf(query),
    encode: (message: Message) => JSON.stringify(toJson(output, message)),
  });
  reply.headers(requestIdHeaders(answered.ids)).type(googleJsonType);
  if (answered.kind === 'reply') return reply.send(answered.reply);
  const { error } = answered;
  const isAnonymous = request.headers.authorization === undefined;
  const text = googleErrorBody(error, { isAnonymous });
  return reply.code(googleStatus(error)).headers(retryAfterHeader(error)).send(text);
}

/** Answers and logs what got no further than its path. */
function refuse(deps: CallRecordDeps, error: ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path] = splitTarget(request);
  const record = new CallRecord(deps, {
    header: headersOf(request),
    method: `${request.method} ${shown(path)}`,
    door: 'rest',
    peer: peerOf(request),
  });
  record.end({ code: error.code, reason: error.reason, cause: error.cause });
  reply.headers(requestIdHeaders(record.ids)).type(googleJsonType);
  return reply.code(googleStatus(error)).send(googleErrorBody(error));
}

function noSuchMethod(verb: string, path: string): ServiceError {
  const message = `${verb} ${shown(path)} is no method of this API`;
  return new ServiceError({ code: 'NOT_FOUND', reason: 'NO_SUCH_METHOD', message });
}

/** Answers what was refused while its body came in. */
function answerUnread(deps: PipelineDeps, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // What is left of the request would have to be read to keep the connection.
  reply.header('connection', 'close');
  return refuse(deps, unreadBody(error), request, reply);
}

function unreadBody(error: unknown): ServiceError {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) {
    const message = 'The request body is too large: at most 1 MiB is taken';
    return new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'REQUEST_TOO_LARGE', message });
  }
  if (error instanceof Error && typeof status === 'number' && status >= 400 && status < 500) {
    return malformed(`The request cannot be read: ${error.message}`);
  }
  return internal(error);
}

/** Paths of callers are shown up to this length. */
function shown(path: string): string {
  return path.slice(0, 256);
}
