import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFingerprint, labelFingerprint } from './label-fingerprint.ts';

const stale = {
  reason: 'CONDITION_NOT_MET',
  message: 'Labels fingerprint either invalid or resource labels have changed',
};

test('no labels have the fingerprint that clients know', () => {
  assert.equal(labelFingerprint({}), '42WmSpB8rSM=');
});

test('a fingerprint is 8 bytes in base64, and the same for the same labels in any order', () => {
  assert.equal(labelFingerprint({ a: '1', b: '2' }), labelFingerprint({ b: '2', a: '1' }));
  assert.notEqual(labelFingerprint({ a: '1', b: '2' }), labelFingerprint({ a: '2', b: '1' }));
  assert.notEqual(labelFingerprint({ a: '' }), labelFingerprint({}));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (labels) => {
      assert.equal(Buffer.from(labelFingerprint(labels), 'base64').length, 8);
    }),
  );
});

test('the labels are as the caller saw them, or it is refused', () => {
  const labels = { env: 'test' };
  const seen = labelFingerprint(labels);
  checkFingerprint(seen, labels);
  checkFingerprint(Buffer.from(seen, 'base64').toString('base64url'), labels);
  for (const other of [undefined, '', 'x', '42WmSpB8rSM=']) assert.throws(() => checkFingerprint(other, labels), stale);
  assert.throws(() => checkFingerprint('', {}), stale);
});
