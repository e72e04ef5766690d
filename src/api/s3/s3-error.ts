import { ServiceError, type StatusCode } from '../../errors.ts';
import { element, xml } from './xml.ts';

/** Errors of this door alone, by the public names of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const own = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRequest: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  OperationAborted: 409,
  PreconditionFailed: 412,
  QuotaExceeded: 403,
  RequestTimeTooSkewed: 403,
  RequestTimeout: 400,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  ServiceUnavailable: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type S3Code = keyof typeof own;

/** A refusal that only this door has, as an error that every part of the service can pass on. */
export function s3Error(code: S3Code, message: string): ServiceError {
  const kind = own[code] === 403 ? 'PERMISSION_DENIED' : own[code] === 501 ? 'UNIMPLEMENTED' : 'INVALID_ARGUMENT';
  return new ServiceError({ code: kind, reason: `${reasonStart}${code}`, message });
}

const reasonStart = 'S3_';

/** Where the reason is more telling than its code. */
const byReason: Readonly<Record<string, S3Code>> = {
  BUCKET_NOT_EMPTY: 'BucketNotEmpty',
  CHECKSUM_MISMATCH: 'BadDigest',
  CONDITION_NOT_MET: 'PreconditionFailed',
  NO_PARTS: 'MalformedXML',
  NO_SUCH_PART: 'InvalidPart',
  OVERLOADED: 'SlowDown',
  PARTS_CHOSEN: 'NoSuchUpload',
  PARTS_OUT_OF_ORDER: 'InvalidPartOrder',
  REQUEST_TOO_LARGE: 'MalformedXML',
  SESSION_NOT_FOUND: 'NoSuchUpload',
  TOO_MANY_REQUESTS: 'SlowDown',
  UPLOAD_TOO_LONG: 'EntityTooLarge',
};

/** Room and numbers are told as a quota, not as trouble of ours: clients try again after that, for minutes. */
const byCode: Readonly<Record<StatusCode, S3Code>> = {
  INVALID_ARGUMENT: 'InvalidArgument',
  OUT_OF_RANGE: 'InvalidArgument',
  UNAUTHENTICATED: 'AccessDenied',
  PERMISSION_DENIED: 'AccessDenied',
  RESOURCE_EXHAUSTED: 'QuotaExceeded',
  NOT_FOUND: 'NoSuchKey',
  ALREADY_EXISTS: 'BucketAlreadyExists',
  FAILED_PRECONDITION: 'PreconditionFailed',
  CANCELLED: 'RequestTimeout',
  UNIMPLEMENTED: 'NotImplemented',
  ABORTED: 'OperationAborted',
  UNAVAILABLE: 'ServiceUnavailable',
  DEADLINE_EXCEEDED: 'ServiceUnavailable',
  UNKNOWN: 'InternalError',
  INTERNAL: 'InternalError',
  DATA_LOSS: 'InternalError',
};

function s3CodeOf({ reason, code, message }: ServiceError): S3Code {
  if (reason.startsWith(reasonStart)) {
    const name = reason.slice(reasonStart.length);
    if (isS3Code(name)) return name;
  }
  // One sentence of buckets/bucket-errors.ts is of buckets, the others are of objects.
  if (code === 'NOT_FOUND' && /^The specified bucket/.test(message)) return 'NoSuchBucket';
  return byReason[reason] ?? byCode[code];
}

function isS3Code(text: string): text is S3Code {
  return Object.hasOwn(own, text);
}

/** How this door tells errors. */
export const s3Errors = {
  type: 'application/xml',
  status: (error: ServiceError): number => own[s3CodeOf(error)],
  body: (error: ServiceError, requestId: string): string =>
    xml(element('Error', ['Code', s3CodeOf(error)], ['Message', error.message], ['RequestId', requestId])),
};
