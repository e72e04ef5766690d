import assert from 'node:assert/strict';
import test from 'node:test';
import { parseKeyValues, parseList } from './key-values.ts';

test('reads pairs; values may be empty and may hold an equals sign', () => {
  assert.deepEqual(parseKeyValues('a=1,b=,c=x=y'), { a: '1', b: '', c: 'x=y' });
});

test('reads nothing else', () => {
  for (const text of ['', 'a', '=1', 'a=1,,b=2', 'a=1,b']) assert.equal(parseKeyValues(text), undefined, text);
});

test('reads lists without what is empty', () => {
  assert.deepEqual(parseList('a, b,,c'), ['a', 'b', 'c']);
  assert.deepEqual(parseList(''), []);
});
