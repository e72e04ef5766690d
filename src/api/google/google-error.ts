import type { ServiceError } from '../../errors.ts';
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
  readonly status: string;
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
  SOURCE_NOT_FOUND: { reason: 'notFound', status: 404 },
};

const reasons: Readonly<Record<string, string>> = {
  INVALID_ARGUMENT: 'invalid',
  NOT_FOUND: 'notFound',
  ALREADY_EXISTS: 'alreadyExists',
  PERMISSION_DENIED: 'forbidden',
  RESOURCE_EXHAUSTED: 'rateLimitExceeded',
  FAILED_PRECONDITION: 'failedPrecondition',
  UNAUTHENTICATED: 'authError',
  UNAVAILABLE: 'backendError',
};

/** The HTTP status that the public service answers such an error with. */
export function googleStatus({ code, reason }: Pick<ServiceError, 'code' | 'reason'>): number {
  return byReason[reason]?.status ?? httpStatus(code);
}

/** The body of the reply to a request that failed. */
export function googleErrorBody(error: ServiceError): string {
  const { code, reason, message: words } = error;
  const message = words.toWellFormed();
  const location = code === 'UNAUTHENTICATED' ? 'Authorization' : byReason[reason]?.location;
  const body: GoogleError = {
    code: googleStatus(error),
    message,
    errors: [
      {
        message,
        domain: 'global',
        reason: byReason[reason]?.reason ?? reasons[code] ?? 'internalError',
        ...(location === undefined ? {} : { location, locationType: 'header' }),
      },
    ],
    status: code,
  };
  return JSON.stringify({ error: body });
}
