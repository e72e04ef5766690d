import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { mutateVmdk } from '../../../test/fixtures/mutate-vmdk.ts';
import { seededRng } from '../../../test/fixtures/random-choice.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import {
  buildStreamVmdk,
  buildVmdk,
  grainBytes,
  grainPattern,
  grainSector,
} from '../../../test/fixtures/vmdk-builder.ts';
import { ImageRefused } from '../image-refused.ts';
import { createMappedDevice } from '../mapped-device.ts';
import { openDisk } from '../open-disk.ts';
import { maxRunsLength } from '../run-builder.ts';

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

test('reads or refuses whatever a VMDK is turned into, and never fails in another way', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.nat(2 ** 31)), async (seed) => {
      await readEnds(mutateVmdk(seededRng(seed))).then(
        () => read++,
        (failure: unknown) => {
          if (!(failure instanceof ImageRefused)) throw failure;
        },
      );
    }),
    { numRuns: 3000 },
  );
  // Mutations that are all refused at the door would test nothing behind it.
  assert.ok(read > 300, `${read} were read`);
});

const guest = Buffer.alloc(64 * grainBytes);
for (const index of [0, 1, 2]) grainPattern(index).copy(guest, index * grainBytes);

const lastGrain = grainSector(2) * 512;
const stream = buildStreamVmdk();

for (const [what, file, neededBytes] of [
  ['a sparse file', buildVmdk(), lastGrain + grainBytes],
  ['a compressed file', buildVmdk({ compressed: true }), lastGrain + 12 + deflateSync(grainPattern(2)).length],
  ['a stream', stream, stream.length],
] as const) {
  test(`refuses ${what} at any length it is cut to that loses a byte of the disk`, async () => {
    // Every byte about the border of a sector, and some between.
    for (let length = 4; length < file.length; length += length % 512 < 2 || length % 512 > 509 ? 1 : 97) {
      const source = new MemorySource(file.subarray(0, length));
      if (length >= neededBytes) assert.ok((await readDisk(source)).bytes.equals(guest), `other bytes at ${length}`);
      else await assert.rejects(readDisk(source), ImageRefused, `cut to ${length}`);
    }
  });
}
