import type { QuotaFacts, StatusCode, StoredError } from '../errors.ts';
import { choiceOf, integerOf, objectOf, parseJson, stringOf } from '../lib/json.ts';

const codes: Record<StatusCode, true> = {
  CANCELLED: true,
  UNKNOWN: true,
  INVALID_ARGUMENT: true,
  DEADLINE_EXCEEDED: true,
  NOT_FOUND: true,
  ALREADY_EXISTS: true,
  PERMISSION_DENIED: true,
  RESOURCE_EXHAUSTED: true,
  FAILED_PRECONDITION: true,
  ABORTED: true,
  OUT_OF_RANGE: true,
  UNIMPLEMENTED: true,
  INTERNAL: true,
  UNAVAILABLE: true,
  DATA_LOSS: true,
  UNAUTHENTICATED: true,
};
// Object.keys forgets what the keys are.
const codeNames = Object.keys(codes) as StatusCode[];

/** Reads the error that an operation's row keeps. Throws JsonShapeWrong for anything else. */
export function readStoredError(text: string): StoredError {
  const error = objectOf(parseJson(text), 'the error');
  const fields = Array.isArray(error.fields) ? error.fields : [];
  return {
    code: choiceOf(error.code, codeNames, 'code'),
    reason: stringOf(error, 'reason'),
    message: stringOf(error, 'message'),
    fields: fields.map((entry: unknown) => {
      const violation = objectOf(entry, 'a field');
      return { field: stringOf(violation, 'field'), description: stringOf(violation, 'description') };
    }),
    ...(error.quota === undefined ? {} : { quota: readQuota(error.quota) }),
  };
}

function readQuota(value: unknown): QuotaFacts {
  const quota = objectOf(value, 'the quota');
  return {
    cloudId: stringOf(quota, 'cloudId'),
    name: stringOf(quota, 'name'),
    words: stringOf(quota, 'words'),
    unit: choiceOf(quota.unit, ['count', 'bytes'] as const, 'unit'),
    limit: integerOf(quota, 'limit'),
    used: integerOf(quota, 'used'),
    required: integerOf(quota, 'required'),
  };
}
