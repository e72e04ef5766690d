import assert from 'node:assert/strict';
import test from 'node:test';
import { idPrefix, isId, newId } from './ids.ts';

test('makes ids of the public form, each another', () => {
  const ids = Array.from({ length: 1_000 }, () => newId('fd8'));
  assert.ok(ids.every((id) => /^fd8[a-z0-9]{17}$/.test(id) && isId(id)));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ids.join('')).size, 36, 'every letter and digit comes');
});

test('an operation takes the prefix of its resource', () => {
  assert.equal(idPrefix(newId('b1g')), 'b1g');
  assert.equal(idPrefix('standard-images'), 'fd8');
  assert.throws(() => newId('FD'));
});
