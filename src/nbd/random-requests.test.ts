import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { MemoryDisk } from '../../test/fixtures/memory-disk.ts';
import { NbdClient } from '../../test/fixtures/nbd-client.ts';
import { startNbd, ticket } from '../../test/fixtures/nbd-server.ts';
import { noise } from '../../test/fixtures/qemu.ts';

const sizeBytes = 300_001;

const range = fc
  .tuple(fc.nat(sizeBytes - 1), fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: sizeBytes })))
  .map(([offset, length]) => ({ offset, length: Math.min(length, sizeBytes - offset) }));

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('read', 'readWhole'), range }),
  fc.record({ kind: fc.constantFrom('write', 'writeDurably', 'zero', 'trim'), range }),
  fc.record({ kind: fc.constant('flush'), range }),
);

test('any requests leave the bytes that they say, and read them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const disk = new MemoryDisk(sizeBytes);
      await using nbd = await startNbd({ device: disk });
      using client = await NbdClient.using(nbd, ticket);
      const model = Buffer.alloc(sizeBytes);
      for (const [index, { kind, range }] of steps.entries()) {
        const { offset, length } = range;
        if (kind === 'read' || kind === 'readWhole') {
          const bytes = await client.readAt(offset, length, kind === 'readWhole' ? 4 : 0);
          assert.ok(bytes instanceof Buffer && bytes.equals(model.subarray(offset, offset + length)));
          continue;
        }
        const payload = noise(length, index);
        if (kind === 'flush') client.request({ type: 3 });
        else if (kind === 'zero') client.request({ type: 6, offset, length });
        else if (kind === 'trim') client.request({ type: 4, offset, length });
        else client.request({ type: 1, flags: kind === 'writeDurably' ? 1 : 0, offset, payload });
        assert.equal((await client.answer()).error, 0);
        if (kind === 'zero' || kind === 'trim') model.fill(0, offset, offset + length);
        else if (kind !== 'flush') payload.copy(model, offset);
        if (kind === 'flush') assert.ok(disk.durableBytes.equals(model));
      }
      assert.ok(disk.bytes.equals(model));
    }),
    { numRuns: 40 },
  );
});

test('requests side by side, on several connections, leave the bytes that they say', async () => {
  const blockBytes = 4096;
  const blocks = 64;
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(Array.from({ length: blocks }, (_, index) => index)), async (order) => {
      const disk = new MemoryDisk(blocks * blockBytes);
      await using nbd = await startNbd({ device: disk });
      using first = await NbdClient.using(nbd, ticket);
      using second = await NbdClient.using(nbd, ticket);
      const clients = [first, second];
      for (const [index, block] of order.entries()) {
        const payload = Buffer.alloc(blockBytes, block + 1);
        clients[index % 2]?.request({ type: 1, offset: block * blockBytes, payload, cookie: BigInt(block) });
      }
      const answered = new Set<bigint>();
      for (const [index] of order.entries()) {
        const answer = await clients[index % 2]?.answer();
        assert.equal(answer?.error, 0);
        if (answer !== undefined) answered.add(answer.cookie);
      }
      assert.equal(answered.size, order.length);
      for (const block of order) {
        const bytes = await first.readAt(block * blockBytes, blockBytes);
        assert.ok(bytes instanceof Buffer && bytes.equals(Buffer.alloc(blockBytes, block + 1)));
      }
    }),
    { numRuns: 15 },
  );
});

test('any bytes in place of requests are refused or end the connection, and others go on', async () => {
  await using nbd = await startNbd();
  using other = await NbdClient.using(nbd, ticket);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, isGreeted) => {
      using client = isGreeted ? await NbdClient.using(nbd, ticket) : await NbdClient.connect(nbd);
      client.stream.end(bytes);
      await client.gone;
      assert.ok((await other.readAt(0, 512)) instanceof Buffer);
    }),
    { numRuns: 60 },
  );
  assert.deepEqual(
    nbd.disk.calls.filter(({ what }) => what !== 'readAt'),
    [],
  );
});
