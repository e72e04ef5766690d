import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../../access/subject.ts';
import { explainFailure } from '../../../operations/failure.ts';
import { AuditedCall, type AuditFunctions } from '../../audited-call.ts';
import { type AuthorizationDeps, type Authorize, authorizationOf } from '../../authorization.ts';
import type { CallGate } from '../../call-gate.ts';
import { CallRecord, type CallRecordDeps } from '../../call-record.ts';
import { type HeaderLookup, requestIdHeaders } from '../../request-ids.ts';
import { retryAfterHeader } from '../../retry-after.ts';
import { httpStatus } from '../../status-codes.ts';
import { answerHead } from '../answer-early.ts';
import { headersOf, leavingSignal, peerOf } from '../rest-connection.ts';
import { errorBody, jsonType } from '../rest-reply.ts';
import { checkVersion, tusVersion } from './tus-headers.ts';

export interface TusCallDeps extends AuthorizationDeps, CallRecordDeps {
  /** Bounds the calls that are worked on, and the bodies that come in. */
  readonly calls: CallGate;
  readonly bodies: CallGate;
  readonly audit: AuditFunctions;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
}

/** A request of the protocol, by someone whose token was checked. */
export interface TusCall {
  readonly subject: Subject;
  readonly authorize: Authorize;
  readonly header: HeaderLookup;
  readonly body: IncomingMessage;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** What it is answered with: there are no bodies but those of errors. */
export interface TusReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The upload that was begun, for the record. */
  readonly madeId?: string;
  /** Bytes of the file that were taken, for the log. */
  readonly bytes?: number;
}

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

/** Answers a request of the tus protocol; `method` is the verb that is meant, and the route. What the handler throws is answered as an error, in the form of all others. */
export async function serveTus(
  deps: TusCallDeps,
  method: string,
  handler: TusHandler,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const header = headersOf(request);
  const record = new CallRecord(deps, { header, method, door: 'rest', peer: peerOf(request) });
  const audited = new AuditedCall(deps.audit, {
    method,
    requestId: record.ids.requestId,
    peer: peerOf(request),
    userAgent: header('user-agent'),
  });
  const signal = leavingSignal(reply);
  const common = { ...requestIdHeaders(record.ids), 'tus-resumable': tusVersion };
  try {
    checkVersion(header);
    using place = (request.routeOptions.config.isLongBody ? deps.bodies : deps.calls).enter();
    const subject = await deps.authenticate(header('authorization'));
    record.subjectId = subject.id;
    audited.subjectId = subject.id;
    await place.take(subject.id, signal);
    const { authorize, assertAsked } = authorizationOf(deps, method, subject, (scope) => audited.asked(scope));
    const { status, headers, bytes, madeId } = await handler({ subject, authorize, header, body: request.raw, signal });
    assertAsked();
    if (madeId !== undefined) audited.made(madeId);
    await audited.succeeded();
    record.end({ code: 'OK', ...(bytes === undefined ? {} : { bytes }) });
    return answerHead(request, reply, { status, headers: { ...common, ...headers }, body: '' });
  } catch (thrown) {
    if (signal.aborted) {
      record.end({ code: 'CANCELLED' });
      return reply.hijack();
    }
    const error = explainFailure(thrown);
    if (error.retryMs === undefined) audited.failed(error.code);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    return answerHead(request, reply, {
      status: telling[error.reason] ?? httpStatus(error.code),
      headers: {
        ...common,
        'content-type': jsonType,
        'tus-version': tusVersion,
        'cache-control': 'no-store',
        ...retryAfterHeader(error),
      },
      body: errorBody(error, record.ids.requestId),
    });
  }
}
