import type { Message } from '@bufbuild/protobuf';
import type { Caller } from '../access/caller.ts';
import type { Subject } from '../access/subject.ts';
import type { ServiceError } from '../errors.ts';
import { explainFailure } from '../operations/failure.ts';
import type { Operation } from '../operations/operation.ts';
import type { ApiMethod } from './api-service.ts';
import { AuditedCall, type AuditFunctions } from './audited-call.ts';
import { type AuthorizationDeps, authorizationOf } from './authorization.ts';
import type { PublicCall } from './call.ts';
import { type CallGate, type CallPlace, strangerAt } from './call-gate.ts';
import { CallRecord, type CallRecordDeps } from './call-record.ts';
import { idempotencyKey, requestHash } from './idempotency.ts';
import type { HeaderLookup, RequestIds } from './request-ids.ts';
import type { RequestValidator } from './validate-request.ts';

export interface PipelineDeps extends AuthorizationDeps, CallRecordDeps {
  /** Bounds the calls that are worked on. */
  readonly calls: CallGate;
  readonly validate: RequestValidator;
  readonly audit: AuditFunctions;
  /** Throws UNAUTHENTICATED unless the `authorization` header holds a valid token. */
  authenticate(authorization: string | undefined): Promise<Subject>;
  /** The operation that this same request started when it came first, if it has an idempotency key and did. */
  findStarted(caller: Caller): Promise<Operation | undefined>;
}

/** A call as a door received it, before anything was checked, and how to put its reply into the door's encoding. */
export interface IncomingCall<T> {
  readonly method: ApiMethod;
  readonly door: 'grpc' | 'rest';
  readonly header: HeaderLookup;
  readonly address: string | undefined;
  readonly peer: string;
  /** Aborted when the client leaves before it was answered. */
  readonly signal: AbortSignal;
  /** Encoded size of the request. */
  readonly sizeBytes: number;
  /** What tells the same request again, where that is not the header `idempotency-key`. Throws INVALID_ARGUMENT. */
  readonly idempotencyKey?: () => string | undefined;
  /** The request, of the type `method.desc.input`. Throws INVALID_ARGUMENT for what cannot be decoded. */
  decode(): Message;
  encode(reply: Message): T;
}

/** What a door answers. */
export type Answer<T> =
  | { readonly kind: 'reply'; readonly ids: RequestIds; readonly reply: T }
  | { readonly kind: 'error'; readonly ids: RequestIds; readonly error: ServiceError };

/**
 * The one way every call takes, whatever its encoding: authenticate, wait for the caller's turn, decode, validate, handle,
 * record, encode, log. Never throws.
 */
export async function answer<T>(deps: PipelineDeps, incoming: IncomingCall<T>): Promise<Answer<T>> {
  const { method, header, door, peer } = incoming;
  const record = new CallRecord(deps, { header, method: method.name, door, peer });
  const audited = new AuditedCall(deps.audit, {
    method: method.name,
    requestId: record.ids.requestId,
    peer,
    userAgent: header('user-agent'),
  });
  try {
    using place = deps.calls.enter();
    const reply = incoming.encode(await handle(deps, incoming, { record, audited, place }));
    record.end({ code: 'OK' });
    return { kind: 'reply', ids: record.ids, reply };
  } catch (thrown) {
    const error = explainFailure(thrown);
    // What is refused for a moment only comes again, and is recorded then.
    if (error.retryMs === undefined) audited.failed(error.code);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    return { kind: 'error', ids: record.ids, error };
  }
}

async function handle(
  deps: PipelineDeps,
  incoming: IncomingCall<unknown>,
  { record, audited, place }: { readonly record: CallRecord; readonly audited: AuditedCall; readonly place: CallPlace },
): Promise<Message> {
  const { method, header, address, peer, signal } = incoming;
  const { requestId } = record.ids;
  const call: PublicCall = { requestId, address, signal };
  if (method.access === 'public') {
    await place.take(strangerAt(peer), signal);
    return method.handle(request(deps, incoming), call);
  }

  // Strangers get no work out of us beyond this: their request is not even decoded.
  const subject = await deps.authenticate(header('authorization'));
  record.subjectId = subject.id;
  audited.subjectId = subject.id;
  await place.take(subject.id, signal);
  const message = request(deps, incoming);
  const key = incoming.idempotencyKey === undefined ? idempotencyKey(header) : incoming.idempotencyKey();
  const caller = {
    subjectId: subject.id,
    requestId,
    idempotencyKey: key,
    // The hash serves the key alone.
    requestHash: key === undefined ? '' : requestHash(method.name, method.desc.input, message),
    method: method.name,
    recorded: audited.recorded,
  };
  // Its subject may always see it, and what it was on may be gone: a Delete that is sent again finds nothing to ask about.
  const started = method.answerStarted === undefined ? undefined : await deps.findStarted(caller);
  if (started !== undefined && method.answerStarted !== undefined) return method.answerStarted(started, message);
  const { authorize, assertAsked } = authorizationOf(deps, method.name, subject, (scope) => audited.asked(scope));
  const reply = await method.handle(message, {
    ...call,
    subject,
    caller,
    authorize,
    aside: (wait) => place.aside(wait),
  });
  assertAsked();
  await audited.succeeded();
  return reply;
}

function request(deps: PipelineDeps, { method, decode, sizeBytes }: IncomingCall<unknown>): Message {
  const message = decode();
  deps.validate(method.desc.input, message, sizeBytes);
  return message;
}
