import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { newId } from './ids.ts';
import { cutPage, decodePageToken, encodePageToken, pageLimit } from './page.ts';

const key = fc.stringMatching(/^[-_A-Za-z0-9]{0,63}$/);
const query = fc.array(fc.string(), { maxLength: 4 });

test('a token gives back its position, and fits the public limit', () => {
  fc.assert(
    fc.property(query, key, (asked, sortKey) => {
      const position = { key: sortKey, id: newId('fd8') };
      const token = encodePageToken(asked, position);
      assert.ok(token.length <= 100);
      assert.deepEqual(decodePageToken(asked, token), position);
    }),
  );
});

test('a token of another query is no token', () => {
  fc.assert(
    fc.property(query, query, key, (asked, other, sortKey) => {
      fc.pre(JSON.stringify(asked) !== JSON.stringify(other));
      const token = encodePageToken(asked, { key: sortKey, id: newId('fd8') });
      assert.equal(decodePageToken(other, token), undefined);
    }),
  );
});

test('no other text is a token, nor one with a character changed', () => {
  const token = encodePageToken(['q'], { key: 'name', id: newId('fd8') });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 200 })), (text) => {
      assert.equal(decodePageToken(['q'], text), undefined);
    }),
  );
  for (let at = 0; at < token.length; at++) {
    const changed = `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`;
    assert.equal(decodePageToken(['q'], changed), undefined);
  }
});

test('an unasked page has 100 items, and none more than 1000', () => {
  const limits = [0, -1, 1, 1000, 1001, 2 ** 60, Number.NaN].map(pageLimit);
  assert.deepEqual(limits, [100, 100, 1, 1000, 1000, 100, 100]);
});

test('the row too many makes the token, and is not shown', () => {
  const rows = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  const page = cutPage(rows, 2, [], ({ id }) => ({ key: '', id }));
  assert.deepEqual(page.items, rows.slice(0, 2));
  assert.deepEqual(decodePageToken([], page.nextPageToken), { key: '', id: 'b' });
  assert.equal(cutPage(rows, 3, [], ({ id }) => ({ key: '', id })).nextPageToken, '');
});
