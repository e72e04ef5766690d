import assert from 'node:assert/strict';
import test from 'node:test';
import { LastChanges } from './last-changes.ts';

test('tells what is the same at every look, and for how long', () => {
  let now = 0;
  const changes = new LastChanges<string>({ now: () => now });
  const look = (...things: readonly string[]) => changes.note(things.map((thing) => [thing, thing]));
  look('a1', 'b1');
  assert.deepEqual(changes.unchangedFor(10), []);
  now = 10;
  assert.deepEqual(changes.unchangedFor(10), ['a1', 'b1']);
  look('a1', 'b2');
  assert.deepEqual(changes.unchangedFor(10), ['a1']);
  now = 20;
  look('b2');
  assert.deepEqual(changes.unchangedFor(10), ['b2']);
  look('a1', 'b2');
  assert.deepEqual(changes.unchangedFor(10), ['b2'], 'what was away begins anew');
});
