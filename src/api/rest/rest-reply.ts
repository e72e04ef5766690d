import type { FastifyReply } from 'fastify';
import type { ServiceError } from '../../errors.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { toStatus } from '../error-status.ts';
import { type RequestIds, requestIdHeaders } from '../request-ids.ts';
import { retryAfterHeader } from '../retry-after.ts';
import { httpStatus } from '../status-codes.ts';
import { errorTypes, replyJson } from './reply-json.ts';

export const jsonType = 'application/json; charset=utf-8';

/** The error as the body of a reply: google.rpc.Status in JSON. */
export function errorBody(error: ServiceError, requestId: string): string {
  return replyJson(StatusSchema, toStatus(error, requestId), errorTypes);
}

/** Sends an error. `status` is for the few that HTTP has a more telling status for than its code gives. */
export function sendError(
  reply: FastifyReply,
  ids: RequestIds,
  error: ServiceError,
  status = httpStatus(error.code),
): FastifyReply {
  const headers = { ...requestIdHeaders(ids), ...retryAfterHeader(error) };
  return reply.code(status).headers(headers).type(jsonType).send(errorBody(error, ids.requestId));
}
