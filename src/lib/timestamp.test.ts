import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseTimestamp } from './timestamp.ts';

test('reads what the API prints', () => {
  const earliest = Date.parse('0001-01-01T00:00:00Z');
  fc.assert(
    fc.property(fc.integer({ min: earliest, max: Date.parse('9999-12-31T23:59:59Z') }), (ms) => {
      assert.equal(parseTimestamp(new Date(ms).toISOString())?.getTime(), ms);
    }),
  );
});

test('reads offsets, small letters and any number of zeros', () => {
  const wanted = Date.parse('2024-02-29T23:30:00.500Z');
  for (const text of [
    '2024-03-01T02:30:00.5+03:00',
    '2024-02-29t18:30:00.500-05:00',
    '2024-02-29T23:30:00.500000000z',
  ]) {
    assert.equal(parseTimestamp(text)?.getTime(), wanted, text);
  }
});

test('reads nothing else', () => {
  const wrong = ['', 'now', '2024-01-01', '2024-01-01T00:00:00', '2024-01-01 00:00:00Z', '2023-02-29T00:00:00Z'];
  wrong.push('2024-00-01T00:00:00Z', '2024-13-01T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01T00:00:60Z');
  wrong.push('2024-01-01T00:00:00.0001Z', '2024-01-01T00:00:00+24:00', '2024-01-01T00:00:00.Z', '1704067200');
  for (const text of wrong) assert.equal(parseTimestamp(text), undefined, text);
});
