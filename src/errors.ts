/**
 * Everything a caller can be told. Below the resources errors are small classes of their own; from the resources up
 * there is one, made by the named makers at the end of this file. The doors turn it into gRPC or HTTP.
 */

/** The canonical status codes, as names; api/status-codes.ts has their numbers on each wire. */
export type StatusCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/** A field of the request that is wrong: its path in the request's own names, and what is wrong with it. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** The quota that was used up, of which cloud, and what would have been used of it. */
export interface QuotaFacts {
  readonly cloudId: string;
  readonly name: string;
  /** What it is on, in the words of the public service: `maximum number of images`. */
  readonly words: string;
  readonly unit: 'count' | 'bytes';
  readonly limit: number;
  readonly used: number;
  /** The usage that there would have been; above the limit. */
  readonly required: number;
}

/** What a caller is told: a status code, a stable reason for programs, a message for people, the fields at fault. */
export class ServiceError extends Error {
  readonly code: StatusCode;
  /** Stable, upper snake case; part of the interface. */
  readonly reason: string;
  readonly fields: readonly FieldViolation[];
  readonly quota: QuotaFacts | undefined;
  /** When to try again what was refused only for now, in milliseconds from now. */
  readonly retryMs: number | undefined;

  constructor(error: {
    code: StatusCode;
    reason: string;
    message: string;
    fields?: readonly FieldViolation[];
    quota?: QuotaFacts;
    retryMs?: number;
    cause?: unknown;
  }) {
    super(error.message, { cause: error.cause });
    this.name = 'ServiceError';
    this.code = error.code;
    this.reason = error.reason;
    this.fields = error.fields ?? [];
    this.quota = error.quota;
    this.retryMs = error.retryMs;
  }
}

/** How a failure is kept in an operation's row and given back as google.rpc.Status. */
export interface StoredError {
  readonly code: StatusCode;
  readonly reason: string;
  readonly message: string;
  readonly fields: readonly FieldViolation[];
  readonly quota?: QuotaFacts | undefined;
}

/** The row's form of an error. Anything unknown becomes INTERNAL and says nothing of its cause. */
export function toStoredError(error: unknown): StoredError {
  const known = error instanceof ServiceError ? error : internal(error);
  const { code, reason, message, fields, quota } = known;
  return { code, reason, message, fields, ...(quota === undefined ? {} : { quota }) };
}

// --- makers -----------------------------------------------------------------------------------------------------

/** The kinds of resource that messages name, as the messages spell them. */
export type ResourceNoun =
  | 'Image'
  | 'Disk'
  | 'Snapshot'
  | 'Folder'
  | 'Cloud'
  | 'Operation'
  | 'Upload'
  | 'Bucket'
  | 'Node'
  | 'Object'
  | 'Attachment'
  | 'Endpoint'
  | 'Zone'
  | 'Disk type'
  | 'Service account'
  | 'Key'
  | 'Access key'
  | 'User account'
  | 'Quota';

export function notFound(noun: ResourceNoun, id: string): ServiceError {
  return new ServiceError({ code: 'NOT_FOUND', reason: 'RESOURCE_NOT_FOUND', message: `${noun} "${id}" not found` });
}

/** A source named by a Create does not exist: clients expect FAILED_PRECONDITION here, not NOT_FOUND. */
export function sourceNotFound(noun: ResourceNoun, id: string): ServiceError {
  return new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'SOURCE_NOT_FOUND',
    message: `${noun} "${id}" not found`,
  });
}

export function nameTaken(noun: ResourceNoun, name: string): ServiceError {
  return new ServiceError({
    code: 'ALREADY_EXISTS',
    reason: 'NAME_TAKEN',
    message: `${noun} with name "${name}" already exists`,
  });
}

/** One or more fields of the request are wrong. `field` is the path in the request's own (proto) names. */
export function invalidFields(fields: readonly FieldViolation[], cause?: unknown): ServiceError {
  const text = fields.map(({ field, description }) => `${field}: ${description}`).join('; ');
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_REQUEST',
    message: `Request validation error: ${text}`,
    fields,
    cause,
  });
}

export function invalidField(field: string, description: string): ServiceError {
  return invalidFields([{ field, description }]);
}

/** The page token is not one of this list. `hint` says what must stay the same from page to page. */
export function foreignPageToken(hint = ''): ServiceError {
  return invalidField('page_token', `is not a token of this list${hint}`);
}

/** The request is well formed but does not fit the state of things. */
export function failedPrecondition(reason: string, message: string): ServiceError {
  return new ServiceError({ code: 'FAILED_PRECONDITION', reason, message });
}

export function unauthenticated(message: string): ServiceError {
  return new ServiceError({ code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED', message });
}

export function permissionDenied(message: string): ServiceError {
  return new ServiceError({ code: 'PERMISSION_DENIED', reason: 'PERMISSION_DENIED', message });
}

export function resourceExhausted(reason: string, message: string, cause?: unknown): ServiceError {
  return new ServiceError({ code: 'RESOURCE_EXHAUSTED', reason, message, cause });
}

/** Refused before any work, because there is too much of it; the same call may succeed in a moment. */
export function overloaded(message: string, retryMs: number): ServiceError {
  return new ServiceError({ code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', message, retryMs });
}

/** A cloud has used up one of its quotas; clients know the sentence. */
export function quotaExceeded(quota: QuotaFacts): ServiceError {
  const message = `The limit on ${quota.words} has exceeded.`;
  return new ServiceError({ code: 'RESOURCE_EXHAUSTED', reason: 'QUOTA_EXCEEDED', message, quota });
}

export function unavailable(message: string, cause?: unknown): ServiceError {
  return new ServiceError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message, cause });
}

export function cancelled(message: string): ServiceError {
  return new ServiceError({ code: 'CANCELLED', reason: 'CANCELLED', message });
}

/** Bytes that were stored do not read back as they were: an error, never other bytes. */
export function dataLoss(message: string, cause?: unknown): ServiceError {
  return new ServiceError({ code: 'DATA_LOSS', reason: 'DATA_LOSS', message, cause });
}

/** What we did not foresee. The cause is for the log; the caller sees none of it. */
export function internal(cause: unknown): ServiceError {
  return new ServiceError({ code: 'INTERNAL', reason: 'INTERNAL', message: 'Internal error', cause });
}
