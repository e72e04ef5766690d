import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ByteRanges } from './byte-ranges.ts';

const size = 40;
const range = fc.tuple(fc.nat(size), fc.nat(size)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));

test('holds the bytes that were added, and misses the others', () => {
  fc.assert(
    fc.property(fc.array(range), range, (added, asked) => {
      const ranges = new ByteRanges(added);
      const has = (byte: number) => added.some(({ start, end }) => start <= byte && byte < end);
      const bytes = Array.from({ length: size }, (_, byte) => byte);
      assert.equal(ranges.length, bytes.filter(has).length);
      const missing = [...ranges.missing(asked.start, asked.end)];
      const misses = (byte: number) => missing.some(({ start, end }) => start <= byte && byte < end);
      for (const byte of bytes) {
        assert.equal(misses(byte), asked.start <= byte && byte < asked.end && !has(byte));
      }
      assert.ok(ranges.ranges.every(({ end }, index) => end < (ranges.ranges[index + 1]?.start ?? Infinity)));
    }),
  );
});
