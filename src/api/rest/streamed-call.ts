import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../access/subject.ts';
import type { ServiceError } from '../../errors.ts';
import { explainFailure } from '../../operations/failure.ts';
import { type AuthorizationDeps, type Authorize, authorizationOf } from '../authorization.ts';
import type { CallGate } from '../call-gate.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { type HeaderLookup, type RequestIds, requestIdHeaders } from '../request-ids.ts';
import { retryAfterHeader } from '../retry-after.ts';
import { httpStatus } from '../status-codes.ts';
import { headersOf, leavingSignal, peerOf } from './rest-connection.ts';
import { errorBody, jsonType } from './rest-reply.ts';

export interface StreamedCallDeps extends AuthorizationDeps, CallRecordDeps {
  /** Bounds the contents that are being read. */
  readonly contents: CallGate;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
}

/** A reply whose head is known and whose body, if any, is still to be sent. Disposed when it was sent, or could not be. */
export interface StreamedReply extends AsyncDisposable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Writes the body and returns its bytes. Not called for a HEAD. */
  send(response: ServerResponse, signal: AbortSignal): Promise<number>;
}

/** Works out the reply to an authenticated request. What it throws is answered as an error. */
export type StreamedHandler = (call: {
  readonly authorize: Authorize;
  readonly verb: 'GET' | 'HEAD';
  readonly header: HeaderLookup;
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
}) => Promise<StreamedReply>;

/** How a door tells errors. */
export interface ErrorForm {
  /** The content type of bodies. */
  readonly type: string;
  status(error: ServiceError): number;
  body(error: ServiceError, requestId: string): string;
}

const plainErrors: ErrorForm = { type: jsonType, status: (error) => httpStatus(error.code), body: errorBody };

/**
 * Answers a request whose reply is too large to be held. An error before the first byte is a status like any other. After
 * it, the connection is destroyed: the client sees a body that is too short, never a wrong one that looks complete.
 */
export async function serveStreamed(
  deps: StreamedCallDeps,
  route: string,
  handler: StreamedHandler,
  request: FastifyRequest,
  reply: FastifyReply,
  errors: ErrorForm = plainErrors,
): Promise<void> {
  const header = headersOf(request);
  const verb = request.method === 'HEAD' ? 'HEAD' : 'GET';
  const record = new CallRecord(deps, { header, method: `${verb} ${route}`, door: 'rest', peer: peerOf(request) });
  const signal = leavingSignal(reply);
  using stack = new DisposableStack();
  let streamed: StreamedReply;
  try {
    const place = stack.use(deps.contents.enter());
    const subject = await deps.authenticate(header('authorization'));
    record.subjectId = subject.id;
    await place.take(subject.id, signal);
    const query = new URL(request.raw.url ?? '/', 'http://localhost').searchParams;
    const { authorize, assertAsked } = authorizationOf(deps, `GET ${route}`, subject);
    streamed = await handler({ authorize, verb, header, query, signal });
    assertAsked();
  } catch (thrown) {
    const error = explainFailure(thrown);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    const body = errors.body(error, record.ids.requestId);
    const headers = { ...requestIdHeaders(record.ids), ...retryAfterHeader(error) };
    await reply.code(errors.status(error)).headers(headers).type(errors.type).send(body);
    return;
  }
  await using opened = streamed;
  const response = reply.hijack().raw;
  try {
    // The head leaves with the first bytes of the body: until then an error can still be told.
    response.statusCode = opened.status;
    response.setHeaders(new Map(Object.entries({ ...requestIdHeaders(record.ids), ...opened.headers })));
    const bytes = verb === 'GET' ? await opened.send(response, signal) : 0;
    response.end();
    record.end({ code: 'OK', bytes });
  } catch (thrown) {
    if (signal.aborted) {
      response.destroy();
      record.end({ code: 'CANCELLED' });
    } else {
      const error = explainFailure(thrown);
      if (response.headersSent || response.destroyed) response.destroy();
      else answerInstead(response, error, record.ids, errors);
      record.end({ code: error.code, reason: error.reason, cause: error.cause ?? error });
    }
  }
}

/** Answers with an error where another answer was prepared and nothing of it was sent. */
function answerInstead(response: ServerResponse, error: ServiceError, ids: RequestIds, errors: ErrorForm): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  const body = Buffer.from(errors.body(error, ids.requestId));
  const headers = { 'content-type': errors.type, 'content-length': body.length };
  response.writeHead(errors.status(error), { ...requestIdHeaders(ids), ...headers }).end(body);
}
