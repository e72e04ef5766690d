import assert from 'node:assert/strict';
import test from 'node:test';
import { newId } from './ids.ts';
import { isResourceNumber, resourceNumber } from './resource-number.ts';

test('a number is the same for the same id in every version', () => {
  // sha256sum begins with f5bb6499c041efcc; the last of these bits is dropped.
  assert.equal(resourceNumber('fd8aaaaaaaaaaaaaaaaa'), String(0xf5bb6499c041efccn / 2n));
});

test('a number fits a signed 64-bit integer, and is known for one', () => {
  const numbers = Array.from({ length: 1_000 }, () => resourceNumber(newId('fd8')));
  for (const number of numbers) {
    assert.ok(BigInt(number) > 0n && BigInt(number) < 2n ** 63n, number);
    assert.ok(isResourceNumber(number), number);
  }
  assert.equal(new Set(numbers).size, numbers.length);
  for (const text of ['', '0', '01', '-1', '1.5', 'a1', '1'.repeat(20), newId('fd8')]) {
    assert.ok(!isResourceNumber(text), text);
  }
});
