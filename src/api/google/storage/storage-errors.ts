import type { ServiceError, StatusCode } from '../../../errors.ts';
import { jsonType } from '../../rest/rest-reply.ts';
import type { ErrorForm } from '../../rest/streamed-call.ts';
import { googleEnvelope } from '../google-error.ts';

/** How Google's storage API tells an error: a status, a word for programs, and where the mistake is, if it says so. */
interface ToldAs {
  readonly status: number;
  readonly reason: string;
  readonly location?: string;
}

/** Where the reason is more telling than its code. */
const byReason: Readonly<Record<string, ToldAs>> = {
  CONDITION_NOT_MET: { status: 412, reason: 'conditionNotMet', location: 'If-Match' },
  OVERLOADED: { status: 429, reason: 'rateLimitExceeded' },
  BUCKET_NOT_EMPTY: { status: 409, reason: 'conflict' },
  REQUEST_TOO_LARGE: { status: 413, reason: 'uploadTooLarge' },
  UPLOAD_TOO_LONG: { status: 413, reason: 'uploadTooLarge' },
};

/** Room and numbers are told as a quota, not as trouble of ours: clients try again after that, for minutes. */
const byCode: Readonly<Record<StatusCode, ToldAs>> = {
  INVALID_ARGUMENT: { status: 400, reason: 'invalid' },
  OUT_OF_RANGE: { status: 400, reason: 'invalid' },
  UNAUTHENTICATED: { status: 401, reason: 'required', location: 'Authorization' },
  PERMISSION_DENIED: { status: 403, reason: 'forbidden' },
  RESOURCE_EXHAUSTED: { status: 403, reason: 'quotaExceeded' },
  NOT_FOUND: { status: 404, reason: 'notFound' },
  ALREADY_EXISTS: { status: 409, reason: 'conflict' },
  FAILED_PRECONDITION: { status: 412, reason: 'conditionNotMet' },
  CANCELLED: { status: 499, reason: 'cancelled' },
  UNIMPLEMENTED: { status: 501, reason: 'notImplemented' },
  // Another request took the upload over, or it stands elsewhere: asking how far it is and going on is the remedy.
  ABORTED: { status: 503, reason: 'backendError' },
  UNAVAILABLE: { status: 503, reason: 'backendError' },
  DEADLINE_EXCEEDED: { status: 503, reason: 'backendError' },
  UNKNOWN: { status: 500, reason: 'backendError' },
  INTERNAL: { status: 500, reason: 'backendError' },
  DATA_LOSS: { status: 500, reason: 'backendError' },
};

function toldAs({ reason, code }: ServiceError): ToldAs {
  return byReason[reason] ?? byCode[code];
}

/** The envelope of Google's JSON APIs: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
export const storageErrors: ErrorForm = {
  type: jsonType,
  status: (error) => toldAs(error).status,
  body(error) {
    const { status, reason, location } = toldAs(error);
    return googleEnvelope({ code: status, message: error.message, reason, location });
  },
};
