import assert from 'node:assert/strict';
import test from 'node:test';
import { FramePool } from './frame-pool.ts';
import { dataHeaderBytes } from './replies.ts';

const MiB = 2 ** 20;

test('a frame has room for its data and a header in front of it', () => {
  const pool = new FramePool({ bytes: 0 });
  for (const length of [1, 4096, 4097, MiB, 4 * MiB, 4 * MiB + 1, 32 * MiB]) {
    const { memory, data } = pool.take(length);
    assert.equal(data.length, length);
    assert.equal(data.byteOffset - memory.byteOffset, dataHeaderBytes);
    assert.equal(data.buffer, memory.buffer);
  }
});

test('a frame is used again, by its own pool only', () => {
  const kept = { bytes: 0 };
  const [one, other] = [new FramePool(kept), new FramePool(kept)];
  const frame = one.take(5000);
  one.giveBack(frame);
  assert.equal(kept.bytes, 8192);
  assert.notEqual(other.take(5000).memory, frame.memory);
  assert.equal(one.take(6000).memory, frame.memory);
  assert.equal(kept.bytes, 0);
});

test('only so much is kept, by one and by all', () => {
  const kept = { bytes: 0 };
  const pools = Array.from({ length: 40 }, () => new FramePool(kept));
  for (const pool of pools) {
    const frames = Array.from({ length: 6 }, () => pool.take(MiB));
    for (const frame of frames) pool.giveBack(frame);
    pool.giveBack(pool.take(5 * MiB));
  }
  assert.equal(kept.bytes, 64 * MiB);
  for (const pool of pools) pool.clear();
  assert.equal(kept.bytes, 0);
});
