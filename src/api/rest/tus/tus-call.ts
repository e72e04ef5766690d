import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../../access/subject.ts';
import type { CallGate } from '../../call-gate.ts';
import { httpStatus } from '../../status-codes.ts';
import { errorBody, jsonType } from '../rest-reply.ts';
import type { ErrorForm } from '../streamed-call.ts';
import { serveWhole, type WholeCall, type WholeCallDeps, type WholeReply } from '../whole-call.ts';
import { checkVersion, tusVersion } from './tus-headers.ts';

export interface TusCallDeps extends WholeCallDeps {
  /** Bounds the calls that are worked on, and the bodies that come in. */
  readonly calls: CallGate;
  readonly bodies: CallGate;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
}

/** A request of the protocol, by someone whose token was checked. */
export type TusCall = WholeCall;

/** There are no bodies but those of errors. `made` is the upload that was begun. */
export type TusReply = Omit<WholeReply, 'body'>;

export type TusHandler = (call: TusCall) => Promise<TusReply>;

/** Where the protocol, or HTTP, has a more telling status than the error's code gives; by the error's reason. */
const telling: Readonly<Record<string, number>> = {
  UPLOAD_IN_USE: 409,
  TUS_VERSION: 412,
  UPLOAD_TOO_LONG: 413,
  UPLOAD_CONTENT_TYPE: 415,
  CHECKSUM_MISMATCH: 460,
  STORAGE_FULL: 507,
};

const errors: ErrorForm = {
  type: jsonType,
  status: ({ code, reason }) => telling[reason] ?? httpStatus(code),
  body: errorBody,
};

/** Answers a request of the tus protocol; `method` is the verb that is meant, and the route. */
export function serveTus(
  deps: TusCallDeps,
  method: string,
  handler: TusHandler,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const route = {
    method,
    gate: request.routeOptions.config.isLongBody ? deps.bodies : deps.calls,
    async authenticate(header: TusCall['header']) {
      checkVersion(header);
      return deps.authenticate(header('authorization'));
    },
    headers: { 'tus-resumable': tusVersion, 'tus-version': tusVersion },
    errors,
  };
  return serveWhole(deps, route, handler, request, reply);
}
