import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compareOperators, type FilterTerm, maxFilterLength, parseFilter, printFilter } from './filter.ts';
import { FilterRefused } from './filter-refused.ts';

/** The terms without where they stand. */
function meaning(terms: readonly FilterTerm[]) {
  return terms.map(({ field, key, operator, values }) => ({ field, key, operator, values: values.map((v) => v.text) }));
}

test('reads every form that a term may have', () => {
  const text = `name="a" AND name = 'b' and labels.env != c AND id IN (x, "y" ,'z')And status not in(READY)`;
  assert.deepEqual(meaning(parseFilter(text)), [
    { field: 'name', key: undefined, operator: '=', values: ['a'] },
    { field: 'name', key: undefined, operator: '=', values: ['b'] },
    { field: 'labels', key: 'env', operator: '!=', values: ['c'] },
    { field: 'id', key: undefined, operator: 'IN', values: ['x', 'y', 'z'] },
    { field: 'status', key: undefined, operator: 'NOT IN', values: ['READY'] },
  ]);
});

test('reads times, keys with dots, keys in quotes, and escapes', () => {
  const text = String.raw`created_at>=2024-01-02T03:04:05.6+03:00 AND labels.a.b/c = d AND labels."x y" = "\"\'\\\n"`;
  assert.deepEqual(meaning(parseFilter(text)), [
    { field: 'created_at', key: undefined, operator: '>=', values: ['2024-01-02T03:04:05.6+03:00'] },
    { field: 'labels', key: 'a.b/c', operator: '=', values: ['d'] },
    { field: 'labels', key: 'x y', operator: '=', values: ['"\'\\\n'] },
  ]);
});

test('an empty filter has no terms', () => {
  assert.deepEqual(parseFilter(' \n'), []);
});

test('takes words that look like keywords for values', () => {
  assert.deepEqual(meaning(parseFilter('name = and AND name = in')), [
    { field: 'name', key: undefined, operator: '=', values: ['and'] },
    { field: 'name', key: undefined, operator: '=', values: ['in'] },
  ]);
});

test('says where a filter is wrong and what was expected there', () => {
  const cases: [string, number, RegExp][] = [
    ['=', 1, /expected a field, found "="/],
    ['name', 5, /expected an operator: =, !=, IN or NOT IN, found the end/],
    ['name = ', 8, /expected a value/],
    ['name == "a"', 6, /"==" is not an operator/],
    ['name = "a" OR name = "b"', 12, /expected AND or the end, found "OR name/],
    ['name = "a" AND', 15, /expected a field, found the end/],
    ['name = "a', 8, /never ends/],
    [String.raw`name = "a\q"`, 10, /unknown escape/],
    ['name = "a\\', 10, /unknown escape/],
    ['name = "\0"', 9, /NUL/],
    ['name IN ()', 10, /expected a value/],
    ['name IN "a"', 9, /expected "\(" and a list/],
    ['name IN ("a" "b")', 14, /expected "," or "\)"/],
    ['name NOT "a"', 10, /expected IN after NOT/],
    ['labels. = a', 9, /expected a key/],
    ['(name = a)', 1, /expected a field/],
    ['ключ = a', 1, /expected a field/],
    [`name = ${'a'.repeat(maxFilterLength)}`, maxFilterLength + 1, /at most 1000 characters/],
  ];
  for (const [text, position, message] of cases) {
    const isRight = (error: unknown) =>
      error instanceof FilterRefused && error.position === position && message.test(error.message);
    assert.throws(() => parseFilter(text), isRight, text);
  }
});

const word = fc.stringMatching(/^[a-z_]{1,10}$/);
const value = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
const term = fc.record({
  field: word,
  key: fc.option(value, { nil: undefined }),
  operator: fc.constantFrom(...compareOperators),
  values: fc.tuple(value.map((text) => ({ text, position: 0 }))),
});
const listTerm = fc.record({
  field: word,
  key: fc.constant(undefined),
  operator: fc.constantFrom<'IN' | 'NOT IN'>('IN', 'NOT IN'),
  values: fc.array(
    value.map((text) => ({ text, position: 0 })),
    { minLength: 1, maxLength: 4 },
  ),
});

test('what is printed parses to the same terms', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(term, listTerm), { maxLength: 6 }), (terms) => {
      const text = printFilter(terms);
      fc.pre(text.length <= maxFilterLength);
      const wanted = terms.map((entry) => ({ ...entry, values: entry.values.map((v) => v.text) }));
      assert.deepEqual(meaning(parseFilter(text)), wanted);
    }),
  );
});

test('hostile text is refused, never anything else', () => {
  const pieces = fc.constantFrom(
    ...['name', '=', '!', '"', "'", '\\', '(', ')', ',', ' AND ', ' IN', 'NOT ', '.', ' '],
  );
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2_000 }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
    // Halves of surrogate pairs: no valid text, but text all the same.
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        parseFilter(text);
      } catch (error) {
        assert.ok(error instanceof FilterRefused);
      }
    }),
    { numRuns: 1_000 },
  );
});
