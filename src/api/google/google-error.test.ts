import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notFound, quotaExceeded, ServiceError, unauthenticated } from '../../errors.ts';
import { invalidUsage, invalidValue, resourceNotFound, staleFingerprint } from './compute-errors.ts';
import { googleErrorBody } from './google-error.ts';

function failed(code: ServiceError['code'], reason = 'SOME_REASON'): ServiceError {
  return new ServiceError({ code, reason, message: 'm' });
}

const quota = {
  cloudId: 'c',
  name: 'compute.images.count',
  words: 'maximum number of images',
  unit: 'count',
  limit: 1,
  used: 1,
  required: 2,
} as const;

test('an error has its status, its word for programs, and the place that clients look at', () => {
  const cases: readonly [ServiceError, number, string, string?][] = [
    [invalidValue('f', 'v', 'r'), 400, 'invalid'],
    [invalidUsage('u'), 400, 'invalidUsage'],
    [resourceNotFound('projects/p'), 404, 'notFound'],
    [notFound('Image', 'x'), 404, 'notFound'],
    [failed('ALREADY_EXISTS'), 409, 'alreadyExists'],
    [staleFingerprint(), 412, 'conditionNotMet', 'If-Match'],
    [failed('PERMISSION_DENIED'), 403, 'forbidden'],
    [unauthenticated('m'), 401, 'authError', 'Authorization'],
    [quotaExceeded(quota), 403, 'quotaExceeded'],
    [failed('RESOURCE_EXHAUSTED'), 429, 'rateLimitExceeded'],
    [failed('RESOURCE_EXHAUSTED', 'STORAGE_FULL'), 503, 'backendError'],
    [failed('FAILED_PRECONDITION', 'RESOURCE_NOT_READY'), 400, 'resourceNotReady'],
    [failed('FAILED_PRECONDITION', 'DISK_IN_USE'), 400, 'resourceInUseByAnotherResource'],
    [failed('FAILED_PRECONDITION', 'SOURCE_NOT_FOUND'), 404, 'notFound'],
    [failed('FAILED_PRECONDITION'), 400, 'failedPrecondition'],
    [failed('ABORTED'), 409, 'conflict'],
    [failed('UNAVAILABLE'), 503, 'backendError'],
    [failed('INTERNAL'), 500, 'internalError'],
  ];
  for (const [error, status, reason, location] of cases) {
    const { message } = error;
    const where = location === undefined ? {} : { location, locationType: 'header' };
    assert.deepEqual(JSON.parse(googleErrorBody(error)), {
      error: { code: status, message, errors: [{ message, domain: 'global', reason, ...where }], status: error.code },
    });
  }
});

test('a value that is too long to show is cut, and no half of a character is told', () => {
  const { error } = JSON.parse(googleErrorBody(invalidValue('f', 'x'.repeat(5000), 'No.')));
  assert.ok(error.message.length < 400);
  const lone = JSON.parse(googleErrorBody(invalidValue('f', '\ud800', 'No.')));
  assert.equal(lone.error.message, "Invalid value for field 'f': '\ufffd'. No.");
});
