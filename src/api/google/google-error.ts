import type { ServiceError, StatusCode } from '../../errors.ts';
import { httpStatus } from '../status-codes.ts';

/** How the public service tells an error: the body that its clients take apart. */
interface GoogleError {
  readonly code: number;
  /** What people see. */
  readonly message: string;
  readonly errors: readonly [
    {
      readonly message: string;
      readonly domain: 'global';
      /** What programs look at. */
      readonly reason: string;
      readonly location?: string;
      readonly locationType?: string;
    },
  ];
  /** Not by all of its APIs. */
  readonly status?: string;
}

/** An error as the body of a reply. */
export function googleEnvelope(told: {
  readonly code: number;
  readonly message: string;
  readonly reason: string;
  /** The header at fault. */
  readonly location?: string | undefined;
  readonly status?: string;
}): string {
  const { code, reason, location, status } = told;
  const message = told.message.toWellFormed();
  const where = location === undefined ? {} : { location, locationType: 'header' };
  const error: GoogleError = {
    code,
    message,
    errors: [{ message, domain: 'global', reason, ...where }],
    ...(status === undefined ? {} : { status }),
  };
  return JSON.stringify({ error });
}

/** Of the reasons that have words, statuses or places of their own there. */
interface Particulars {
  readonly reason: string;
  readonly status?: number;
  readonly location?: string;
}

const byReason: Readonly<Record<string, Particulars>> = {
  CONDITION_NOT_MET: { reason: 'conditionNotMet', status: 412, location: 'If-Match' },
  RESOURCE_NOT_READY: { reason: 'resourceNotReady' },
  SOURCE_NOT_READY: { reason: 'resourceNotReady' },
  RESOURCE_IN_USE: { reason: 'resourceInUseByAnotherResource' },
  DISK_IN_USE: { reason: 'resourceInUseByAnotherResource' },
  INVALID_USAGE: { reason: 'invalidUsage' },
  QUOTA_EXCEEDED: { reason: 'quotaExceeded', status: 403 },
  MALFORMED_BATCH: { reason: 'badRequest' },
  // Nothing that a caller could ask less of, as 429 would say.
  STORAGE_FULL: { reason: 'backendError', status: 503 },
  SOURCE_NOT_FOUND: { reason: 'notFound', status: 404 },
  SOURCE_FILE_NOT_FOUND: { reason: 'notFound', status: 404 },
  REQUEST_TOO_LARGE: { reason: 'requestTooLarge', status: 413 },
};

const reasons: Readonly<Record<StatusCode, string>> = {
  CANCELLED: 'backendError',
  UNKNOWN: 'internalError',
  INVALID_ARGUMENT: 'invalid',
  DEADLINE_EXCEEDED: 'backendError',
  NOT_FOUND: 'notFound',
  ALREADY_EXISTS: 'alreadyExists',
  PERMISSION_DENIED: 'forbidden',
  RESOURCE_EXHAUSTED: 'rateLimitExceeded',
  FAILED_PRECONDITION: 'failedPrecondition',
  ABORTED: 'conflict',
  OUT_OF_RANGE: 'invalid',
  UNIMPLEMENTED: 'notImplemented',
  INTERNAL: 'internalError',
  UNAVAILABLE: 'backendError',
  DATA_LOSS: 'internalError',
  UNAUTHENTICATED: 'authError',
};

/** The HTTP status that the public service answers such an error with. */
export function googleStatus({ code, reason }: Pick<ServiceError, 'code' | 'reason'>): number {
  return byReason[reason]?.status ?? httpStatus(code);
}

/** The body of the reply to a request that failed. `isAnonymous` is for one that showed no token at all. */
export function googleErrorBody(error: ServiceError, { isAnonymous = false } = {}): string {
  const { code, reason, message } = error;
  return googleEnvelope({
    code: googleStatus(error),
    message,
    reason: code === 'UNAUTHENTICATED' && isAnonymous ? 'required' : (byReason[reason]?.reason ?? reasons[code]),
    location: code === 'UNAUTHENTICATED' ? 'Authorization' : byReason[reason]?.location,
    status: code,
  });
}
