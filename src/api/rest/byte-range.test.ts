import assert from 'node:assert/strict';
import test from 'node:test';
import { type ByteRange, parseByteRange } from './byte-range.ts';

const whole: ByteRange = { kind: 'whole' };
const unsatisfiable: ByteRange = { kind: 'unsatisfiable' };
const part = (start: number, end: number): ByteRange => ({ kind: 'part', start, end });

const cases: readonly [header: string | undefined, expected: ByteRange][] = [
  [undefined, whole],
  ['', whole],
  ['bytes=0-0', part(0, 1)],
  ['bytes=0-99', part(0, 100)],
  ['bytes=10-', part(10, 100)],
  ['bytes=99-', part(99, 100)],
  ['bytes=90-1000', part(90, 100)],
  [`bytes=0-${'9'.repeat(40)}`, part(0, 100)],
  ['bytes=-1', part(99, 100)],
  ['bytes=-1000', part(0, 100)],
  ['Bytes = 1 - 2', part(1, 3)],
  ['bytes=100-', unsatisfiable],
  [`bytes=${'9'.repeat(40)}-`, unsatisfiable],
  ['bytes=-0', unsatisfiable],
  ['bytes=5-4', whole],
  ['bytes=-', whole],
  ['bytes=a-b', whole],
  ['bytes=1-2,5-6', whole],
  ['lines=1-2', whole],
  ['bytes=1--2', whole],
];

for (const [header, expected] of cases) {
  test(`Range ${header ?? '(none)'} of 100 bytes is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseByteRange(header, 100), expected);
  });
}

test('nothing of empty content can be asked for', () => {
  assert.deepEqual(parseByteRange('bytes=0-', 0), unsatisfiable);
  assert.deepEqual(parseByteRange('bytes=-5', 0), unsatisfiable);
});
