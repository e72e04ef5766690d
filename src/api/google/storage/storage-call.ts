import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../../access/subject.ts';
import type { CallGate } from '../../call-gate.ts';
import {
  serveWhole,
  type WholeCall,
  type WholeCallDeps,
  type WholeReply,
  type WholeRoute,
} from '../../rest/whole-call.ts';
import { baseUrlOf } from './base-url.ts';
import { storageErrors } from './storage-errors.ts';
import type { StorageFunctions } from './storage-functions.ts';

export interface StorageDeps extends WholeCallDeps {
  /** Bounds the calls that are worked on, and the bodies that come in. */
  readonly calls: CallGate;
  readonly bodies: CallGate;
  /** Bounds the contents that are being read. */
  readonly contents: CallGate;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
  readonly storage: StorageFunctions;
}

/** A request to the storage routes, by someone whose token was checked. */
export interface StorageCall extends WholeCall {
  readonly query: URLSearchParams;
  /** `http://HOST:PORT`, as the client came. */
  readonly baseUrl: string;
}

export interface StorageReply extends Omit<WholeReply, 'body'> {
  /** Sent as JSON. */
  readonly json?: object;
}

export type StorageHandler = (call: StorageCall) => Promise<StorageReply>;

/** Answers a request; `method` is its row in access/method-rules.ts. What the handler throws is told in Google's form. */
export async function serveStorage(
  deps: StorageDeps,
  method: string,
  handler: StorageHandler,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const route: WholeRoute = {
    method,
    gate: request.routeOptions.config.isLongBody ? deps.bodies : deps.calls,
    authenticate: (header) => deps.authenticate(header('authorization')),
    errors: storageErrors,
  };
  const work = async (call: WholeCall) => {
    const query = new URL(request.raw.url ?? '/', 'http://localhost').searchParams;
    const { json, ...done } = await handler({ ...call, query, baseUrl: baseUrlOf(request) });
    return { ...done, ...(json === undefined ? {} : { body: JSON.stringify(json) }) };
  };
  return serveWhole(deps, route, work, request, reply);
}
