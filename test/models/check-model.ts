import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describeCounterexample } from './describe-counterexample.ts';
import { type Explored, explore, type Model } from './explore.ts';

/** Everything holds in every state; says how many there were. */
export function assertHolds<State>(t: TestContext, model: Model<State>): void {
  const explored = explore(model);
  t.diagnostic(`${explored.states} states, ${explored.steps} steps, ${explored.depth} deep`);
  assert.equal(explored.counterexample && describeCounterexample(explored.counterexample), undefined);
}

/** Something does not hold, and the trace that shows it is at most `longest` steps long: it can be read. */
export function assertBreaks<State>(t: TestContext, model: Model<State>, longest: number): Explored<State> {
  const explored = explore(model);
  const { counterexample } = explored;
  assert.ok(counterexample, `without the guard nothing breaks in ${explored.states} states`);
  t.diagnostic(describeCounterexample({ ...counterexample, state: undefined }));
  assert.ok(counterexample.trace.length <= longest);
  return explored;
}
