import assert from 'node:assert/strict';
import test from 'node:test';
import { ReceiveRate } from './receive-rate.ts';

const limits = { minBytesPerSecond: 1000, rateWindowMs: 10_000 };

test('ends bodies that bring too little over a window, together', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rate = new ReceiveRate(limits);
  const told: number[] = [];
  const first = (bytesPerSecond: number) => told.push(bytesPerSecond);
  const second = (bytesPerSecond: number) => told.push(bytesPerSecond);
  rate.begin(first);
  rate.begin(second);
  rate.count(9_999);
  t.mock.timers.tick(9_999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  assert.deepEqual(told, [999, 999]);
  rate.end(first);
  rate.end(second);
});

test('judges every window by itself', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rate = new ReceiveRate(limits);
  let told = 0;
  const listener = () => {
    told += 1;
  };
  rate.begin(listener);
  rate.count(1_000_000);
  t.mock.timers.tick(10_000);
  assert.equal(told, 0, 'the first brought enough');
  t.mock.timers.tick(10_000);
  assert.equal(told, 1, 'the second brought nothing');
  rate.end(listener);
});

test('counts only the time in which a body is received', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rate = new ReceiveRate(limits);
  const listener = () => assert.fail('nothing was slow');
  rate.begin(listener);
  rate.end(listener);
  rate.end(listener);
  t.mock.timers.tick(60_000);
});
