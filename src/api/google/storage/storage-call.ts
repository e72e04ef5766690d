import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Subject } from '../../../access/subject.ts';
import type { Bucket } from '../../../buckets/bucket.ts';
import { bucketNotFound } from '../../../buckets/bucket-errors.ts';
import { ServiceError } from '../../../errors.ts';
import { explainFailure } from '../../../operations/failure.ts';
import { AuditedCall, type AuditFunctions } from '../../audited-call.ts';
import { type AuthorizationDeps, type Authorize, authorizationOf } from '../../authorization.ts';
import { authorized } from '../../authorized.ts';
import type { CallGate } from '../../call-gate.ts';
import { CallRecord, type CallRecordDeps } from '../../call-record.ts';
import { type HeaderLookup, requestIdHeaders } from '../../request-ids.ts';
import { answerHead } from '../../rest/answer-early.ts';
import { headersOf, leavingSignal, peerOf } from '../../rest/rest-connection.ts';
import { jsonType } from '../../rest/rest-reply.ts';
import { retryAfterHeader } from '../../retry-after.ts';
import { baseUrlOf } from './base-url.ts';
import { storageErrors } from './storage-errors.ts';
import type { StorageFunctions } from './storage-functions.ts';

export interface StorageDeps extends AuthorizationDeps, CallRecordDeps {
  /** Bounds the calls that are worked on, and the bodies that come in. */
  readonly calls: CallGate;
  readonly bodies: CallGate;
  /** Bounds the contents that are being read. */
  readonly contents: CallGate;
  readonly audit: AuditFunctions;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
  readonly storage: StorageFunctions;
}

/** A request to the storage routes, by someone whose token was checked. */
export interface StorageCall {
  readonly subject: Subject;
  readonly authorize: Authorize;
  readonly header: HeaderLookup;
  readonly query: URLSearchParams;
  readonly body: IncomingMessage;
  /** `http://HOST:PORT`, as the client came. */
  readonly baseUrl: string;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

export interface StorageReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: object;
  /** What was made, for the record; '' where nothing was, of a method that may. */
  readonly made?: string;
  /** Bytes of a file that were taken, for the log. */
  readonly bytes?: number;
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
  const header = headersOf(request);
  const peer = peerOf(request);
  const record = new CallRecord(deps, { header, method, door: 'rest', peer });
  const { requestId } = record.ids;
  const audited = new AuditedCall(deps.audit, { method, requestId, peer, userAgent: header('user-agent') });
  const signal = leavingSignal(reply);
  const common = { ...requestIdHeaders(record.ids), 'content-type': jsonType, 'cache-control': 'no-store' };
  try {
    using place = (request.routeOptions.config.isLongBody ? deps.bodies : deps.calls).enter();
    const subject = await deps.authenticate(header('authorization'));
    record.subjectId = subject.id;
    audited.subjectId = subject.id;
    await place.take(subject.id, signal);
    const { authorize, assertAsked } = authorizationOf(deps, method, subject, (scope) => audited.asked(scope));
    const query = new URL(request.raw.url ?? '/', 'http://localhost').searchParams;
    const baseUrl = baseUrlOf(request);
    const done = await handler({ subject, authorize, header, query, body: request.raw, baseUrl, signal });
    assertAsked();
    if (done.made !== undefined && done.made !== '') audited.made(done.made);
    if (done.made !== '') await audited.succeeded();
    record.end({ code: 'OK', ...(done.bytes === undefined ? {} : { bytes: done.bytes }) });
    const body = done.json === undefined ? '' : JSON.stringify(done.json);
    return answerHead(request, reply, { status: done.status, headers: { ...common, ...done.headers }, body });
  } catch (thrown) {
    if (signal.aborted) {
      record.end({ code: 'CANCELLED' });
      return reply.hijack();
    }
    const error = explainFailure(thrown);
    if (error.retryMs === undefined) audited.failed(error.code);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    const body = storageErrors.body(error, requestId);
    const headers = { ...common, ...retryAfterHeader(error) };
    return answerHead(request, reply, { status: storageErrors.status(error), headers, body });
  }
}

/** The bucket, once the caller may do with it what the method does; to who may not, it is not there. */
export async function authorizedBucket(
  { storage }: Pick<StorageDeps, 'storage'>,
  { authorize }: Pick<StorageCall, 'authorize'>,
  name: string,
): Promise<Bucket> {
  try {
    return await authorized(authorize, 'Bucket', name, () => storage.getBucket({ name }));
  } catch (error) {
    throw error instanceof ServiceError && error.code === 'NOT_FOUND' ? bucketNotFound() : error;
  }
}
