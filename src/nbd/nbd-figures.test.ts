import assert from 'node:assert/strict';
import test from 'node:test';
import { NbdFigures } from './nbd-figures.ts';
import { command } from './transmission-numbers.ts';

test('counts requests by their command, and times some of them', () => {
  const figures = new NbdFigures();
  for (let number = 0; number < 16; number += 1) {
    figures.succeeded({ type: command.read, length: 4096 }, figures.begin());
  }
  figures.failed({ type: command.write }, undefined);
  figures.refused({ type: command.write });
  figures.refused({ type: 99 });
  const told = figures.commands().map(({ seconds, ...counts }) => ({ ...counts, timed: seconds.count }));
  const nothing = { succeeded: 0, bytes: 0, failed: 0, refused: 0, timed: 0 };
  assert.deepEqual(told, [
    { ...nothing, command: 'read', succeeded: 16, bytes: 65_536, timed: 2 },
    { ...nothing, command: 'write', failed: 1, refused: 1 },
    { ...nothing, command: 'flush' },
    { ...nothing, command: 'trim' },
    { ...nothing, command: 'cache' },
    { ...nothing, command: 'write_zeroes' },
    { ...nothing, command: 'block_status' },
    { ...nothing, command: 'unknown', refused: 1 },
  ]);
});
