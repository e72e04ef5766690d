import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { jsonErrorPosition } from './json-error-position.ts';

const cases: readonly [text: string, position: number][] = [
  ['', 0],
  ['   ', 3],
  ['{', 1],
  ['{"a"', 4],
  ['{"a":', 5],
  ['{"a":1', 6],
  ['"abc', 4],
  ['[1,', 3],
  ['{"a" 1}', 5],
  ['{"a":1,}', 7],
  ['{a:1}', 1],
  ['[1 2]', 3],
  ['[1,]', 3],
  ['[1}', 2],
  ['{"a":1]', 6],
  ['1 1', 2],
  ['{} x', 3],
  ['01', 0],
  ['1.', 0],
  ['nul', 0],
  ['"a\nb"', 2],
  ['"a\\xb"', 2],
  ['"\\u12g4"', 1],
  ["{'a':1}", 1],
  ['{"a":undefined}', 5],
];

for (const [text, position] of cases) {
  test(`${JSON.stringify(text)} breaks at ${position}`, () => {
    assert.throws(() => JSON.parse(text));
    assert.equal(jsonErrorPosition(text), position);
  });
}

test('a control character put anywhere is found where it is, or at the token it broke', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, at) => {
      const index = at % (json.length + 1);
      const position = jsonErrorPosition(`${json.slice(0, index)}\u0001${json.slice(index)}`);
      assert.match(json.slice(position, index), /^[\\\w.+-]*$/);
      assert.ok(position <= index);
    }),
  );
});

test('a megabyte of anything takes no longer than reading it', () => {
  const long = 1_000_000;
  for (const text of [
    `"${'x'.repeat(long)}`,
    `"${'\\n'.repeat(long / 2)}`,
    '['.repeat(long),
    '{"a":'.repeat(long / 5),
  ]) {
    const started = performance.now();
    assert.equal(jsonErrorPosition(text), text.length);
    assert.ok(performance.now() - started < 2_000);
  }
});
