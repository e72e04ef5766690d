import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../access/subject.ts';
import { explainFailure } from '../../operations/failure.ts';
import { AuditedCall, type AuditFunctions } from '../audited-call.ts';
import { type AuthorizationDeps, type Authorize, authorizationOf } from '../authorization.ts';
import type { CallGate } from '../call-gate.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { type HeaderLookup, requestIdHeaders } from '../request-ids.ts';
import { retryAfterHeader } from '../retry-after.ts';
import { answerHead } from './answer-early.ts';
import { headersOf, leavingSignal, peerOf } from './rest-connection.ts';
import type { ErrorForm } from './streamed-call.ts';

export interface WholeCallDeps extends AuthorizationDeps, CallRecordDeps {
  readonly audit: AuditFunctions;
}

/** A request to a route that is no rpc, by someone who has proved who he is. */
export interface WholeCall {
  readonly subject: Subject;
  readonly authorize: Authorize;
  readonly header: HeaderLookup;
  /** Not read yet: it may be a file. */
  readonly body: IncomingMessage;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** A reply that is known whole. */
export interface WholeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What was made, for the record; '' where nothing was, of a method that may. */
  readonly made?: string;
  /** Bytes of a file that were taken, for the log. */
  readonly bytes?: number;
}

/** How a door answers one of its routes. */
export interface WholeRoute {
  /** Its row in access/method-rules.ts. */
  readonly method: string;
  /** Bounds the calls that are here. */
  readonly gate: CallGate;
  /** Throws UNAUTHENTICATED, or whatever the door says of who is not who he says. */
  authenticate(header: HeaderLookup): Promise<Subject>;
  /** Of every reply, whatever it says. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors: ErrorForm;
}

/** Answers a request whose reply is small, whatever its body is. What `work` throws is told in the door's form. */
export async function serveWhole(
  deps: WholeCallDeps,
  { method, gate, authenticate, headers: always, errors }: WholeRoute,
  work: (call: WholeCall) => Promise<WholeReply>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const header = headersOf(request);
  const peer = peerOf(request);
  const record = new CallRecord(deps, { header, method, door: 'rest', peer });
  const { requestId } = record.ids;
  const audited = new AuditedCall(deps.audit, { method, requestId, peer, userAgent: header('user-agent') });
  const signal = leavingSignal(reply);
  const ids = requestIdHeaders(record.ids);
  const common = { ...ids, ...always, 'content-type': errors.type, 'cache-control': 'no-store' };
  try {
    using place = gate.enter();
    const subject = await authenticate(header);
    record.subjectId = subject.id;
    audited.subjectId = subject.id;
    await place.take(subject.id, signal);
    const { authorize, assertAsked } = authorizationOf(deps, method, subject, (scope) => audited.asked(scope));
    const done = await work({ subject, authorize, header, body: request.raw, signal });
    assertAsked();
    if (done.made !== undefined && done.made !== '') audited.made(done.made);
    if (done.made !== '') await audited.succeeded();
    record.end({ code: 'OK', ...(done.bytes === undefined ? {} : { bytes: done.bytes }) });
    const headers = { ...common, ...done.headers };
    return answerHead(request, reply, { status: done.status, headers, body: done.body ?? '' });
  } catch (thrown) {
    if (signal.aborted) {
      record.end({ code: 'CANCELLED' });
      return reply.hijack();
    }
    const error = explainFailure(thrown);
    if (error.retryMs === undefined) audited.failed(error.code);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    const headers = { ...common, ...retryAfterHeader(error) };
    return answerHead(request, reply, { status: errors.status(error), headers, body: errors.body(error, requestId) });
  }
}
