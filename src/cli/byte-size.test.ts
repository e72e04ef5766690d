import assert from 'node:assert/strict';
import test from 'node:test';
import { formatByteSize, parseByteSize } from './byte-size.ts';

test('reads sizes as yc does', () => {
  const sizes: [string, number][] = [
    ['10', 10 * 2 ** 30],
    ['10GB', 10 * 2 ** 30],
    ['10gib', 10 * 2 ** 30],
    ['1.5T', 1.5 * 2 ** 40],
    ['512MB', 512 * 2 ** 20],
    ['4 KB', 4096],
    ['4194304B', 4194304],
    ['0', 0],
  ];
  for (const [text, size] of sizes) assert.equal(parseByteSize(text), size, text);
});

test('reads nothing that is not a whole number of bytes', () => {
  for (const text of ['', 'GB', '-1', '1.5B', '10 XB', '1e3', '9007199254740993B', '1,5GB', '10 GB GB', 'iB']) {
    assert.equal(parseByteSize(text), undefined, text);
  }
});

test('writes sizes for people', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KB'],
    [1536, '1.5 KB'],
    [514 * 2 ** 20, '514 MB'],
    [10 * 2 ** 30, '10 GB'],
    [4 * 2 ** 40 + 2 ** 38, '4.3 TB'],
  ];
  for (const [size, text] of sizes) assert.equal(formatByteSize(size), text);
});
