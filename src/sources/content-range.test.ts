import assert from 'node:assert/strict';
import test from 'node:test';
import { parseContentRange, parseLength } from './content-range.ts';

test('reads what a range is and of how much', () => {
  assert.deepEqual(parseContentRange('bytes 0-0/1'), { offset: 0, length: 1, totalBytes: 1 });
  assert.deepEqual(parseContentRange(' BYTES 5-9/100 '), { offset: 5, length: 5, totalBytes: 100 });
  assert.deepEqual(parseContentRange('bytes 5-9/*'), { offset: 5, length: 5, totalBytes: undefined });
  assert.deepEqual(parseContentRange('bytes */0'), { offset: undefined, length: 0, totalBytes: 0 });
});

test('takes nothing that is malformed or contradicts itself', () => {
  const malformed = [undefined, '', 'bytes', 'bytes 0-', 'bytes 0-1', 'bytes -1-2/3', 'items 0-1/2', 'bytes 0-1/2, 3'];
  const contradictory = ['bytes 5-4/10', 'bytes 0-10/10', 'bytes 0-9007199254740992/*', 'bytes 0-1/9007199254740993'];
  for (const header of [...malformed, ...contradictory])
    assert.equal(parseContentRange(header), undefined, String(header));
});

test('reads lengths', () => {
  assert.equal(parseLength('0'), 0);
  assert.equal(parseLength('4398046511104'), 2 ** 42);
  for (const header of [undefined, '', '-1', '1.5', '0x10', '5, 5', '9007199254740992', '1e3']) {
    assert.equal(parseLength(header), undefined, String(header));
  }
});
