import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { someOperation } from '../../../../test/fixtures/api-fixture.ts';
import type { StoredError } from '../../../errors.ts';
import { OperationSchema } from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import type { JsonObject } from '../../../lib/json.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import type { Operation } from '../../../operations/operation.ts';
import { jsonOf } from '../json-of.ts';
import { linkMaker } from '../naming/links.ts';
import { operationMessage } from './operation-message.ts';
import { operationName } from './operation-name.ts';

const base = 'https://www.googleapis.com/compute/v1/';
const { folderId } = someOperation();

function shown(change: Partial<Operation> = {}): JsonObject {
  return jsonOf(OperationSchema, operationMessage(someOperation(change), { folderId, name: 'p' }, linkMaker(base)));
}

const ended = new Date('2026-01-02T03:05:00.000Z');

function failed(error: Partial<StoredError>): JsonObject {
  const whole = { code: 'INVALID_ARGUMENT', reason: 'INVALID_IMAGE_TAR', message: 'm', fields: [], ...error } as const;
  return shown({ done: true, modifiedAt: ended, error: whole });
}

test('an operation that runs says when it began, where to ask for it, and nothing of an end', () => {
  const operation = someOperation();
  const name = operationName(operation);
  const began = '2026-01-02T03:04:05.678Z';
  assert.deepEqual(shown(), {
    kind: 'compute#operation',
    id: resourceNumber(operation.id),
    name,
    operationType: 'insert',
    targetLink: `${base}projects/p/global/images/debian`,
    targetId: resourceNumber(operation.resourceId),
    status: 'PENDING',
    progress: 0,
    user: operation.createdBy,
    insertTime: began,
    startTime: began,
    description: 'Create image',
    selfLink: `${base}projects/p/global/operations/${name}`,
  });
});

test('its progress is in percent, and 100 is for what is done', () => {
  const progress = (guestBytesDone: number) => {
    const { status, progress: percent } = shown({ progress: { guestBytesTotal: 1000, guestBytesDone } });
    return [status, percent];
  };
  assert.deepEqual(progress(0), ['RUNNING', 0]);
  assert.deepEqual(progress(509), ['RUNNING', 50]);
  assert.deepEqual(progress(1000), ['RUNNING', 99]);
  const done = shown({ done: true, modifiedAt: ended });
  assert.deepEqual([done.status, done.progress, done.endTime], ['DONE', 100, ended.toISOString()]);
  assert.deepEqual([done.error, done.httpErrorStatusCode, done.httpErrorMessage], [undefined, undefined, undefined]);
});

test('one on a disk is in its zone, and says so', () => {
  const { zone, selfLink, targetLink } = shown({ kind: 'disk.create', zoneId: 'z', resourceName: 'd' });
  assert.equal(zone, `${base}projects/p/zones/z`);
  assert.ok(String(selfLink).startsWith(`${zone}/operations/operation-`));
  assert.equal(targetLink, `${zone}/disks/d`);
});

test('a snapshot that was asked of its disk is an operation on the disk', () => {
  const input = { diskId: 'fhmdisk', diskName: 'd' };
  const { operationType, targetLink, targetId } = shown({ kind: 'snapshot.create', zoneId: 'z', input });
  assert.deepEqual([operationType, targetLink], ['createSnapshot', `${base}projects/p/zones/z/disks/d`]);
  assert.equal(targetId, resourceNumber('fhmdisk'));
  assert.equal(shown({ kind: 'snapshot.create', input }).operationType, 'insert');
});

test('a change is called by what it changed', () => {
  const typeOf = (...changed: string[]) => shown({ kind: 'image.update', input: { changed } }).operationType;
  assert.equal(typeOf('labels'), 'setLabels');
  assert.equal(typeOf('deprecation'), 'deprecate');
  assert.equal(typeOf('sizeBytes'), 'resize');
  assert.equal(typeOf('description'), 'patch');
  assert.equal(typeOf('labels', 'family'), 'patch');
  assert.equal(shown({ kind: 'image.update', input: null }).operationType, 'patch', 'of an earlier version');
  assert.equal(shown({ kind: 'image.delete' }).operationType, 'delete');
  assert.equal(shown({ kind: 'image.setAccessBindings' }).operationType, 'setIamPolicy');
});

describe('a failure is told in all three places that clients look at', () => {
  const cases: readonly [string, Partial<StoredError>, string, number, string][] = [
    ['a broken archive', {}, 'INVALID_IMAGE_TAR', 400, 'BAD REQUEST'],
    [
      'a file that is not there',
      { code: 'FAILED_PRECONDITION', reason: 'SOURCE_FILE_NOT_FOUND' },
      'RESOURCE_NOT_FOUND',
      404,
      'NOT FOUND',
    ],
    ['a failure of ours', { code: 'INTERNAL', reason: 'INTERNAL' }, 'INTERNAL_ERROR', 500, 'INTERNAL SERVER ERROR'],
    ['a cancellation', { code: 'CANCELLED', reason: 'CANCELLED' }, 'CANCELLED', 499, 'CANCELLED'],
  ];
  for (const [what, error, code, status, message] of cases) {
    test(what, () => {
      const operation = failed(error);
      const errorInfo = { reason: error.reason ?? 'INVALID_IMAGE_TAR', domain: 'obraz' };
      assert.deepEqual(operation.error, { errors: [{ code, message: 'm', errorDetails: [{ errorInfo }] }] });
      assert.deepEqual([operation.httpErrorStatusCode, operation.httpErrorMessage], [status, message]);
    });
  }

  test('a quota, with its name and its limit', () => {
    const words = 'maximum number of images';
    const quota = {
      cloudId: 'c',
      name: 'compute.images.count',
      words,
      unit: 'count',
      limit: 3,
      used: 3,
      required: 4,
    } as const;
    const operation = failed({ code: 'RESOURCE_EXHAUSTED', reason: 'QUOTA_EXCEEDED', quota });
    assert.deepEqual([operation.httpErrorStatusCode, operation.httpErrorMessage], [403, 'FORBIDDEN']);
    const { name: metricName, limit } = quota;
    assert.deepEqual(operation.error, {
      errors: [
        {
          code: 'QUOTA_EXCEEDED',
          message: "Quota 'compute.images.count' exceeded.  Limit: 3 globally.",
          errorDetails: [
            { errorInfo: { reason: 'QUOTA_EXCEEDED', domain: 'obraz' } },
            { quotaInfo: { metricName, limitName: metricName, limit } },
          ],
        },
      ],
    });
  });
});
