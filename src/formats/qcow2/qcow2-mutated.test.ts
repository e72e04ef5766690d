import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import {
  buildQcow2,
  clusterBytes,
  compressedEntry,
  copied,
  dataOffset,
  deflated,
  l1Offset,
  l2Offset,
  pattern,
} from '../../../test/fixtures/qcow2-builder.ts';
import { ImageRefused } from '../image-refused.ts';
import { createMappedDevice } from '../mapped-device.ts';
import { openDisk } from '../open-disk.ts';
import { maxRunsLength } from '../run-builder.ts';

const encoded = deflated(pattern(1));
const good = buildQcow2({
  l2: [copied(dataOffset(0)), compressedEntry(dataOffset(1) + 100, encoded.length), 1n, 0n, copied(dataOffset(2))],
  data: [pattern(0), Buffer.concat([Buffer.alloc(100), encoded]), pattern(2)],
});

/** Where tables and header are: bytes elsewhere are data, and any data is right. */
const place = fc.oneof(
  fc.integer({ min: 4, max: 160 }),
  fc.integer({ min: l1Offset, max: l1Offset + 24 }),
  fc.integer({ min: l2Offset, max: l2Offset + 48 }),
  fc.integer({ min: dataOffset(1), max: dataOffset(2) }),
);

const mutation = fc.oneof(
  fc.record({ at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
  fc.record({
    at: place,
    bytes: fc.constantFrom(new Uint8Array(4).fill(0xff), new Uint8Array(8).fill(0xff), new Uint8Array(8)),
  }),
  // A word that looks like an offset, in the middle of what is there.
  fc.record({
    at: place.map((at) => at & ~7),
    bytes: fc.bigInt({ min: 0n, max: 64n }).map((cluster) => {
      const word = Buffer.alloc(8);
      word.writeBigUInt64BE(copied(cluster * BigInt(clusterBytes)));
      return word;
    }),
  }),
);

async function readEnds(file: Uint8Array): Promise<void> {
  const source = new MemorySource(file);
  const { map } = await openDisk(source);
  await using device = createMappedDevice(source, map);
  for (const offset of new Set([0, Math.max(0, map.sizeBytes - maxRunsLength)])) {
    const length = Math.min(maxRunsLength, map.sizeBytes - offset);
    let end = offset;
    for (const run of await map.runs(offset, length)) {
      assert.ok(run.offset >= end && run.length > 0);
      end = run.offset + run.length;
      if (run.kind === 'zero') continue;
      assert.ok(run.fileOffset >= 0 && run.fileLength > 0 && run.fileOffset + run.fileLength <= file.length);
      assert.ok(run.skip >= 0 && run.skip + run.length <= run.unitLength);
      await device.readAt(new Uint8Array(run.length), run.offset);
    }
    assert.ok(end <= offset + length);
  }
}

test('reads or refuses whatever a qcow2 is turned into, and never fails in another way', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(good.length)),
      async (mutations, cut) => {
        const file = Buffer.from(good);
        for (const { at, bytes } of mutations) file.set(bytes, at);
        await readEnds(file.subarray(0, cut ?? file.length)).catch((failure: unknown) => {
          if (!(failure instanceof ImageRefused)) throw failure;
        });
      },
    ),
    { numRuns: 2000 },
  );
});
