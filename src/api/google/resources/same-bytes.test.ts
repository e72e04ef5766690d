import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFingerprint, labelFingerprint } from './label-fingerprint.ts';
import { sameBytes } from './same-bytes.ts';

test('knows bytes again in the base64 that is for URLs, and no others', () => {
  assert.ok(sameBytes('+/+/+/+/+/8=', '-_-_-_-_-_8'));
  assert.ok(!sameBytes('+/+/+/+/+/8=', '+/+/+/+/+/4='));
  assert.ok(!sameBytes('', 'AA=='));
});

test('takes a fingerprint of labels as gcloud sends it back', () => {
  for (const value of 'abcdefghijklmnopqrstuvwxyz') {
    const labels = { made: value };
    const seen = labelFingerprint(labels);
    for (const sent of [seen, seen.replaceAll('+', '-').replaceAll('/', '_')]) checkFingerprint(sent, labels);
    for (const stale of [undefined, '', labelFingerprint({ made: 'before' })]) {
      assert.throws(() => checkFingerprint(stale, labels), /Labels fingerprint/);
    }
  }
});
