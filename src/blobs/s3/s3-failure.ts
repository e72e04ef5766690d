import { S3ServiceException } from '@aws-sdk/client-s3';
import { BlobFailed } from '../blob-failed.ts';

/** The server's answer is not one to what was asked. */
export class AnswerWrong extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AnswerWrong';
  }
}

/**
 * What a failed request means. `missing`: no such object. `no-upload`: no such multipart upload. `range`: the object ends
 * before the range. `changed`: it is not the one that was asked for, or is there already. `full`: no room, or a quota.
 * `unsupported`: the server does not know a part of the request. `passing`: it may succeed when asked again. `final`:
 * anything else.
 */
export type S3Failure = 'missing' | 'no-upload' | 'range' | 'changed' | 'full' | 'unsupported' | 'passing' | 'final';

/** Error codes of S3 and of what speaks like it, whatever status they come with. */
const byCode: ReadonlyMap<string, S3Failure> = new Map([
  ['NoSuchKey', 'missing'],
  ['NoSuchUpload', 'no-upload'],
  ['InvalidRange', 'range'],
  ['PreconditionFailed', 'changed'],
  ['QuotaExceeded', 'full'],
  ['XMinioStorageFull', 'full'],
  ['XMinioAdminBucketQuotaExceeded', 'full'],
  ['NotImplemented', 'unsupported'],
  // The bytes changed on their way to the server, or did not all come.
  ['BadDigest', 'passing'],
  ['XAmzContentSHA256Mismatch', 'passing'],
  ['XAmzContentChecksumMismatch', 'passing'],
  ['IncompleteBody', 'passing'],
  ['RequestTimeout', 'passing'],
  // The SDK has taken the server's clock for its own by now.
  ['RequestTimeTooSkewed', 'passing'],
  ['SlowDown', 'passing'],
  ['Throttling', 'passing'],
  ['ThrottlingException', 'passing'],
  ['RequestLimitExceeded', 'passing'],
  ['ConditionalRequestConflict', 'passing'],
  ['OperationAborted', 'passing'],
]);

/** Failures of the connection that asking again does not change: a certificate that is not trusted. */
const untrusted = /^(ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO_|UNABLE_TO_)/;

/** What a failed request means, of whatever the SDK has thrown. */
export function classify(error: unknown): S3Failure {
  if (error instanceof BlobFailed) return 'final'; // said already
  if (error instanceof AnswerWrong) return 'passing';
  const status = statusOf(error);
  if (error instanceof S3ServiceException) {
    const known = byCode.get(error.name);
    if (known !== undefined) return known;
  }
  if (status === undefined) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return untrusted.test(code) ? 'final' : 'passing';
  }
  switch (status) {
    case 412:
      return 'changed';
    case 416:
      return 'range';
    case 501:
      return 'unsupported';
    case 507:
      return 'full';
    case 408:
    case 429:
      return 'passing';
    default:
      // Below 300 it is an answer that could not be read. Where it leads elsewhere, the bucket is of another region.
      return status >= 500 || status < 300 ? 'passing' : 'final';
  }
}

/** How long the server asks to be left alone, by `Retry-After` in seconds or as a date; 0 when it does not say. */
export function retryAfterMs(error: unknown, now: number): number {
  const header = responseOf(error)?.headers?.['retry-after'] ?? '';
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1_000;
  // Node makes a date of many things, of "-1" for one.
  const date = / GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** One line: what the server or the connection said. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const status = statusOf(error);
  // Errors of a connection that was tried at several addresses have an empty message.
  const message = error.message || ('code' in error ? String(error.code) : error.name);
  return status === undefined ? message : `${status} ${error.name}: ${message}`;
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
    return error.$metadata.httpStatusCode;
  }
  return responseOf(error)?.statusCode;
}

interface Response {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The SDK hangs the response on whatever it throws after there was one. */
function responseOf(error: unknown): Response | undefined {
  if (!(error instanceof Error) || !('$response' in error)) return undefined;
  const response = error.$response;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined;
  const { statusCode } = response;
  if (typeof statusCode !== 'number') return undefined;
  return { statusCode, headers: 'headers' in response ? textsOf(response.headers) : {} };
}

function textsOf(headers: unknown): Record<string, string> {
  const entries = Object.entries(typeof headers === 'object' && headers !== null ? headers : {});
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}
