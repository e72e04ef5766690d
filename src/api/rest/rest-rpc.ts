import type { Registry } from '@bufbuild/protobuf';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { internal, ServiceError } from '../../errors.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { pollIntervalHeader } from '../operation-poll-interval.ts';
import { answer, type PipelineDeps } from '../pipeline.ts';
import { requestIdHeaders } from '../request-ids.ts';
import { replyJson } from './reply-json.ts';
import { arrivalOf, headersOf, peerOf, splitTarget } from './rest-connection.ts';
import { jsonType, sendError } from './rest-reply.ts';
import { restRequest } from './rest-request.ts';
import { findRoute, type Route, type RouteMatch } from './routes.ts';

const nothing = new Uint8Array(0);

/** What can be asked for, and the types of what is answered. */
export interface RestMethods {
  readonly routes: readonly Route[];
  readonly types: Registry;
}

/** Answers a request by the method its path and verb name, or says that there is none. */
export async function answerRpc(
  deps: PipelineDeps,
  { routes, types }: RestMethods,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path, search] = splitTarget(request);
  const match = findRoute(routes, request.method, path);
  if (match.kind !== 'found') return refuse(deps, noSuchMethod(request.method, path, match), request, reply, 404);

  const { route, pathFields } = match;
  const { output } = route.method.desc;
  const body = request.body instanceof Uint8Array ? request.body : nothing;
  const answered = await answer(deps, {
    method: route.method,
    ...arrivalOf(request, reply),
    sizeBytes: body.length + search.length,
    decode: () => restRequest(route, pathFields, new URLSearchParams(search), body),
    encode: (message) => replyJson(output, message, types),
  });
  if (answered.kind === 'error') return sendError(reply, answered.ids, answered.error);
  return reply
    .headers({ ...requestIdHeaders(answered.ids), ...pollIntervalHeader(output) })
    .type(jsonType)
    .send(answered.reply);
}

/** Answers what fastify refused before a handler saw it. */
export async function answerRefused(
  deps: PipelineDeps,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const status = isFastifyError(error) ? (error.statusCode ?? 500) : 500;
  // What is left of the request would have to be read to keep the connection.
  reply.header('connection', 'close');
  if (status === 413) {
    const message = 'The request body is too large: at most 1 MiB is taken';
    const tooLarge = new ServiceError({ code: 'RESOURCE_EXHAUSTED', reason: 'REQUEST_TOO_LARGE', message });
    return refuse(deps, tooLarge, request, reply, status);
  }
  if (status >= 400 && status < 500 && isFastifyError(error)) {
    const message = `The request cannot be read: ${error.message}`;
    const malformed = new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_REQUEST', message });
    return refuse(deps, malformed, request, reply, status);
  }
  return refuse(deps, internal(error), request, reply, 500);
}

/** Answers and logs what got no further than its path. */
export function refuse(
  deps: CallRecordDeps,
  error: ServiceError,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
): FastifyReply {
  const [path] = splitTarget(request);
  const method = `${request.method} ${path.slice(0, 256)}`;
  const record = new CallRecord(deps, { header: headersOf(request), method, door: 'rest', peer: peerOf(request) });
  record.end({ code: error.code, reason: error.reason, cause: error.cause });
  return sendError(reply, record.ids, error, status);
}

function noSuchMethod(verb: string, path: string, match: Exclude<RouteMatch, { kind: 'found' }>): ServiceError {
  const known = match.kind === 'wrong-verb' ? `; ${match.verbs.join(', ')} would be` : '';
  return new ServiceError({
    code: 'NOT_FOUND',
    reason: 'NO_SUCH_METHOD',
    message: `${verb} ${path.slice(0, 256)} is no method of this API${known}`,
  });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error;
}
