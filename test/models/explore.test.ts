import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCounterexample } from './describe-counterexample.ts';
import { explore, type Model, TooManyStates } from './explore.ts';

/** Two jugs, of 3 and of 5 litres. */
interface Jugs {
  readonly small: number;
  readonly big: number;
}

const jugs: Model<Jugs> = {
  initial: { small: 0, big: 0 },
  *steps({ small, big }) {
    yield { name: 'fill the small jug', next: { small: 3, big } };
    yield { name: 'fill the big jug', next: { small, big: 5 } };
    yield { name: 'empty the small jug', next: { small: 0, big } };
    yield { name: 'empty the big jug', next: { small, big: 0 } };
    const up = Math.min(small, 5 - big);
    yield { name: 'pour the small jug into the big one', next: { small: small - up, big: big + up } };
    const down = Math.min(big, 3 - small);
    yield { name: 'pour the big jug into the small one', next: { small: small + down, big: big - down } };
  },
  parts: ({ small, big }) => ({ inOrder: [small, big] }),
  always: {},
  isFinal: () => false,
};

/** A walk on a line from `0`, by the steps given. */
function walk(
  steps: Readonly<Record<number, readonly (number | { readonly fault: number })[]>>,
): Model<{ at: number }> {
  return {
    initial: { at: 0 },
    *steps({ at }) {
      for (const step of steps[at] ?? []) {
        const to = typeof step === 'number' ? step : step.fault;
        yield { name: `${at} to ${to}`, next: { at: to }, isFault: typeof step !== 'number' };
      }
    },
    parts: ({ at }) => ({ inOrder: [at] }),
    always: {},
    isFinal: ({ at }) => at === 9,
  };
}

test('visits every state that can be reached, once', () => {
  const { states, depth, counterexample } = explore(jugs);
  // All pairs in which a jug is full or empty.
  assert.deepEqual({ states, depth, counterexample }, { states: 16, depth: 7, counterexample: undefined });
});

test('finds the shortest way to what must not be', () => {
  const { counterexample } = explore({ ...jugs, always: { 'the big jug never has 4 litres': ({ big }) => big !== 4 } });
  assert.ok(counterexample);
  assert.deepEqual(counterexample.state, { small: 3, big: 4 });
  assert.equal(
    describeCounterexample({ ...counterexample, state: undefined }).trimEnd(),
    `Does not hold: the big jug never has 4 litres
   1. fill the big jug
   2. pour the big jug into the small one
   3. empty the small jug
   4. pour the big jug into the small one
   5. fill the big jug
   6. pour the big jug into the small one`,
  );
});

test('looks at every step, also between states that are known', () => {
  const rule = (before: { at: number }, after: { at: number }): boolean => after.at >= before.at;
  const { counterexample } = explore({ ...walk({ 0: [1], 1: [2], 2: [9, 1] }), everyStep: { 'only forwards': rule } });
  assert.deepEqual(counterexample?.trace, ['0 to 1', '1 to 2', '2 to 1']);
});

test('finds a state out of which nothing leads', () => {
  const { counterexample } = explore(walk({ 0: [1, 9], 1: [2] }));
  assert.deepEqual(counterexample?.trace, ['0 to 1', '1 to 2']);
});

test('finds a state from which the end cannot be reached without a fault', () => {
  const inTheEnd = { 'it ends': ({ at }: { at: number }): boolean => at === 9 };
  assert.equal(explore({ ...walk({ 0: [1, 9], 1: [2], 2: [1, 0] }), inTheEnd }).counterexample, undefined);
  const { counterexample } = explore({ ...walk({ 0: [1, 9], 1: [2], 2: [1, { fault: 9 }] }), inTheEnd });
  assert.deepEqual([counterexample?.broken, counterexample?.trace], ['it ends', ['0 to 1']]);
});

test('takes what differs only in its order for the same', () => {
  const tosses = (isAlike: boolean): Model<{ coins: { up: boolean }[] }> => ({
    initial: { coins: [{ up: false }, { up: false }, { up: false }] },
    *steps({ coins }) {
      for (const index of coins.keys()) {
        yield {
          name: `turn ${index}`,
          next: { coins: coins.map((coin, at) => (at === index ? { up: !coin.up } : coin)) },
        };
      }
    },
    parts: ({ coins }) => (isAlike ? { inOrder: [], alike: coins } : { inOrder: coins }),
    always: {},
    isFinal: () => false,
  });
  assert.equal(explore(tosses(false)).states, 8);
  assert.equal(explore(tosses(true)).states, 4);
});

test('gives up at the limit, rather than say that all is well', () => {
  assert.throws(() => explore(jugs, { maxStates: 15 }), TooManyStates);
});
