import assert from 'node:assert/strict';
import test from 'node:test';
import { ServiceError } from '../errors.ts';
import { CallGate, type CallLimits, type CallPlace, callLimits, strangerAt } from './call-gate.ts';

const here = new AbortController().signal;
const few: CallLimits = { ...callLimits, running: 4, runningPerCaller: 2, waiting: 6, waitingPerCaller: 3 };

function isRefused(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'RESOURCE_EXHAUSTED' && error.retryMs === few.retryMs;
}

/** Enters, and takes a turn; says whose it was in the order in which the turns came. */
function caller(gate: CallGate, came: string[]) {
  return async (name: string): Promise<CallPlace> => {
    const place = gate.enter();
    try {
      await place.take(name, here);
      came.push(name);
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  };
}

test('a caller has so many calls worked on, so many that wait, and is refused the next at once', async () => {
  const gate = new CallGate(few);
  const came: string[] = [];
  const call = caller(gate, came);
  const running = [await call('a'), await call('a')];
  const waiting = [call('a'), call('a'), call('a')];
  await assert.rejects(call('a'), isRefused);
  assert.deepEqual(came, ['a', 'a']);
  assert.equal(gate.figures().waiting, 3);
  for (const place of running) place[Symbol.dispose]();
  const [first, second] = await Promise.all(waiting.slice(0, 2));
  first?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
  (await waiting[2])?.[Symbol.dispose]();
  const { refused, waitedMs: _, ...now } = gate.figures();
  assert.deepEqual(now, { present: 0, running: 0, waiting: 0, aside: 0 });
  assert.equal(refused.caller, 1);
});

test('a flood of one caller leaves places for others, and those who wait take turns', async () => {
  const gate = new CallGate(few);
  const came: string[] = [];
  const call = caller(gate, came);
  const flood = [await call('flood'), await call('flood')];
  const waiting = [call('flood'), call('flood'), call('flood')];
  const others = [await call('one'), await call('two')];
  assert.deepEqual(came, ['flood', 'flood', 'one', 'two'], 'they did not wait for the flood');
  const late = [call('one'), call('two')];
  came.length = 0;
  for (const place of [...flood, ...others]) place[Symbol.dispose]();
  for (const place of await Promise.all([...waiting.slice(0, 2), ...late])) place[Symbol.dispose]();
  (await waiting[2])?.[Symbol.dispose]();
  assert.equal(came.length, 5);
  assert.ok(came.indexOf('one') < 4 && came.indexOf('two') < 4, came.join());
});

test('all callers together have so many that wait', async () => {
  const gate = new CallGate({ ...few, waiting: 2 });
  const call = caller(gate, []);
  const running = [await call('a'), await call('a'), await call('b'), await call('b')];
  const waiting = [call('a'), call('b')];
  await assert.rejects(call('c'), isRefused);
  assert.equal(gate.figures().refused.waiting, 1);
  for (const place of running) place[Symbol.dispose]();
  for (const place of await Promise.all(waiting)) place[Symbol.dispose]();
});

test('nobody waits for long, and who leaves does not wait at all', async () => {
  const gate = new CallGate({ ...few, running: 1, waitMs: 20 });
  const call = caller(gate, []);
  const running = await call('a');
  await assert.rejects(call('b'), isRefused);
  const leaving = new AbortController();
  using place = gate.enter();
  const left = place.take('b', leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  running[Symbol.dispose]();
  const { waiting, refused } = gate.figures();
  assert.equal(waiting, 0);
  assert.equal(refused.late, 1);
});

test('a call that only waits gives its place to others, and there is a bound on those, too', async () => {
  const gate = new CallGate({ ...few, present: 3, running: 1, asidePerCaller: 2 });
  const call = caller(gate, []);
  const end = Promise.withResolvers<void>();
  const aside: Promise<void>[] = [];
  const places: CallPlace[] = [];
  for (let count = 0; count < 2; count += 1) {
    const place = await call('a');
    places.push(place);
    aside.push(place.aside(() => end.promise));
  }
  assert.deepEqual(
    { ...gate.figures(), waitedMs: 0 },
    { ...gate.figures(), present: 0, running: 0, aside: 2, waitedMs: 0 },
  );
  const third = await call('a');
  await assert.rejects(
    third.aside(() => end.promise),
    isRefused,
  );
  third[Symbol.dispose]();
  (await call('b'))[Symbol.dispose]();
  end.resolve();
  await Promise.all(aside);
  for (const place of places) place[Symbol.dispose]();
  assert.equal(gate.figures().aside, 0);
});

test('calls beyond all measure are refused before it is known whose they are', () => {
  const gate = new CallGate({ ...few, present: 2 });
  using _first = gate.enter();
  const second = gate.enter();
  assert.throws(() => gate.enter(), isRefused);
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  using _third = gate.enter();
  assert.equal(gate.figures().present, 2);
});

test('strangers are told apart by where they are, whatever the port', () => {
  assert.equal(strangerAt('127.0.0.1:4711'), strangerAt('127.0.0.1:4712'));
  assert.equal(strangerAt('[2001:db8::1]:4711'), 'stranger [2001:db8::1]');
});
