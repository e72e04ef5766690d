import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Held, whoGivesWay } from './fair-share.ts';

const held = (group: string, since: number): Held => ({ group, since, turnMs: 100 });

test('of the group that holds most, the newest gives way at once', () => {
  const all = [held('a', 1), held('b', 2), held('a', 3), held('a', 4), held('b', 5)];
  assert.deepEqual(whoGivesWay(all, { group: 'c', held: 0 }, 5), held('a', 4));
  assert.equal(whoGivesWay(all, { group: 'b', held: 2 }, 5), undefined, 'it has its share');
});

test('where all hold one, the oldest gives way when its turn is over, and only to a group that has nothing', () => {
  const all = [held('a', 20), held('b', 10)];
  assert.equal(whoGivesWay(all, { group: 'c', held: 0 }, 109), undefined);
  assert.deepEqual(whoGivesWay(all, { group: 'c', held: 0 }, 110), held('b', 10));
  assert.equal(whoGivesWay(all, { group: 'c', held: 1 }, 1_000), undefined);
});

test('nobody gives way to its own group, and after giving way no group has less than the next', () => {
  const groups = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(fc.array(fc.tuple(groups, fc.nat(50))), groups, fc.nat(200), (list, group, now) => {
      const all = list.map(([name, since]) => held(name, since));
      const count = (name: string) => all.filter((one) => one.group === name).length;
      const chosen = whoGivesWay(all, { group, held: count(group) }, now);
      if (chosen === undefined) {
        for (const { group: other } of all) assert.ok(other === group || count(other) < count(group) + 2);
        return;
      }
      assert.notEqual(chosen.group, group);
      assert.ok(count(chosen.group) > count(group));
    }),
  );
});
