import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { noise } from '../../test/fixtures/qemu.ts';
import { SocketReader } from './socket-reader.ts';

test('the bytes are those that were sent, however they come and are asked for', async () => {
  const piece = fc.integer({ min: 0, max: 200_000 });
  const asked = fc.record({ how: fc.constantFrom('read', 'readInto', 'skip'), length: fc.nat(70_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.array(asked, { maxLength: 12 }), async (sent, wanted) => {
      const all = noise(
        sent.reduce((sum, length) => sum + length, 0),
        1,
      );
      const stream = new PassThrough();
      const reader = new SocketReader(stream);
      let from = 0;
      for (const length of sent) {
        stream.write(all.subarray(from, from + length));
        from += length;
      }
      stream.end();
      let at = 0;
      for (const { how, length } of wanted) {
        const isThere = at + length <= all.length;
        const expected = all.subarray(at, at + length);
        if (how === 'skip') assert.equal(await reader.skip(length), isThere);
        else if (how === 'read') assert.deepEqual(await reader.read(length), isThere ? expected : undefined);
        else {
          const target = Buffer.alloc(length);
          assert.equal(await reader.readInto(target), isThere);
          if (isThere) assert.ok(target.equals(expected));
        }
        if (!isThere) return;
        at += length;
      }
    }),
    { numRuns: 100 },
  );
});

test('nothing is read on while nobody asks', async () => {
  const stream = new PassThrough();
  const reader = new SocketReader(stream);
  for (let count = 0; count < 20; count += 1) stream.write(Buffer.alloc(64 * 1024, count));
  await new Promise(setImmediate);
  assert.ok(stream.isPaused());
  assert.equal(await reader.skip(20 * 64 * 1024), true);
  assert.ok(!stream.isPaused());
});

test('who stops gets nothing more', async () => {
  const stream = new PassThrough();
  const reader = new SocketReader(stream);
  stream.write(Buffer.alloc(100));
  await reader.read(10);
  reader.stop();
  assert.equal(reader.take(10), undefined);
  assert.equal(await reader.read(10), undefined);
  assert.equal(await reader.skip(1), false);
});
