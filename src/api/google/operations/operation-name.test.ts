import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resourceNumber } from '../../../lib/resource-number.ts';
import { operationName, operationNumber } from './operation-name.ts';

test('an operation is called as by the public service, and its name says its number', () => {
  const operation = { id: 'fd8oooooooooooooooooo', createdAt: new Date('2026-01-02T03:04:05.678Z') };
  const name = operationName(operation);
  assert.match(name, /^operation-1767323045678-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}$/);
  assert.equal(Number.parseInt(name.split('-')[2] ?? '', 16), 1_767_323_045_678_000);
  assert.equal(operationNumber(name), resourceNumber(operation.id));
});

test('every name and every number leads to the number', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
      (id, createdAt) => {
        const number = resourceNumber(id);
        assert.equal(operationNumber(operationName({ id, createdAt })), number);
        assert.equal(operationNumber(number), number);
      },
    ),
  );
});

test('nothing else is one', () => {
  for (const text of [
    '',
    '0',
    '-1',
    '1e9',
    '12345678901234567890',
    'operation-1-2-3-4',
    'operation-1-0000000000000-0000000g-00000000',
    'operation-1-0000000000000-00000000-00000000-1',
    'fd8oooooooooooooooooo',
  ]) {
    assert.equal(operationNumber(text), undefined, text);
  }
});
