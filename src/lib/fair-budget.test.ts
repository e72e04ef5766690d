import assert from 'node:assert/strict';
import test from 'node:test';
import { FairBudget, type Share } from './fair-budget.ts';
import { GaveWay } from './gave-way.ts';

const patienceMs = 5;

/** A budget of two places whose clock a test moves, and who has got one, in order. */
function openBudget() {
  let now = 0;
  const budget = new FairBudget(20, { patienceMs, now: () => now });
  const served: string[] = [];
  return {
    budget,
    served,
    pass(ms: number) {
      now += ms;
    },
    async take(name: string, turnMs = 1_000): Promise<Share> {
      const share = await budget.reserve(10, { group: name.charAt(0), turnMs });
      served.push(name);
      return share;
    },
  };
}

const wanted = (share: Share) =>
  new Promise<unknown>((resolve) =>
    share.wanted.addEventListener('abort', () => resolve(share.wanted.reason), { once: true }),
  );

test('a group alone has everything; when another comes, the newest hold is wanted back', async () => {
  const { budget, take, pass } = openBudget();
  const [first, second] = [await take('a1'), await take('a2')];
  assert.equal(budget.freeBytes, 0);
  const other = take('b1');
  pass(patienceMs);
  assert.ok((await wanted(second)) instanceof GaveWay);
  assert.equal(first.wanted.aborted, false);
  second[Symbol.dispose]();
  using share = await other;
  assert.equal(share.wanted.aborted, false);
  first[Symbol.dispose]();
});

test('what is given back goes to who has least, then to who was served longest ago, then in the order of asking', async () => {
  const { take, served } = openBudget();
  const [first, second] = [await take('a1'), await take('a2')];
  const others = ['a3', 'a4', 'b1', 'b2', 'c1'].map((name) => take(name));
  const held = new Set([first, second]);
  for (const other of others) other.then((share) => held.add(share));
  for (let given = 0; given < 7; given++) {
    const [oldest] = held;
    assert.ok(oldest);
    held.delete(oldest);
    oldest[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(served, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
});

test('where every group holds one, the oldest is wanted back when its turn is over', async () => {
  const { take, pass } = openBudget();
  const first = await take('a1', 100);
  pass(1);
  using second = await take('b1', 100);
  const third = take('c1');
  pass(99);
  assert.ok((await wanted(first)) instanceof GaveWay);
  assert.equal(second.wanted.aborted, false);
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
});

test('who gives up waiting leaves the turn to others, and more than the budget is refused', async () => {
  const { budget, take } = openBudget();
  using _first = await take('a1');
  const controller = new AbortController();
  const greedy = budget.reserve(20, { group: 'b', turnMs: 1, signal: controller.signal });
  const behind = budget.reserve(10, { group: 'b', turnMs: 1 });
  controller.abort(new Error('enough'));
  await assert.rejects(greedy, /enough/);
  (await behind)[Symbol.dispose]();
  await assert.rejects(budget.reserve(21, { group: 'b', turnMs: 1 }), RangeError);
});
