import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { seededRng } from '../../../test/fixtures/random-choice.ts';
import { buildVhd, mutateVhd } from '../../../test/fixtures/vhd-builder.ts';
import { ImageRefused } from '../image-refused.ts';
import { openDisk } from '../open-disk.ts';
import { maxRunsLength } from '../run-builder.ts';

async function runsOfEnds(file: Uint8Array): Promise<void> {
  const { map } = await openDisk(new MemorySource(file));
  for (const offset of new Set([0, Math.max(0, map.sizeBytes - maxRunsLength)])) {
    const length = Math.min(maxRunsLength, map.sizeBytes - offset);
    let end = offset;
    for (const run of await map.runs(offset, length)) {
      assert.ok(run.kind === 'data' && run.offset >= end && run.length > 0);
      assert.ok(run.fileOffset >= 0 && run.fileOffset + run.fileLength <= file.length);
      end = run.offset + run.length;
    }
    assert.ok(end <= offset + length);
  }
}

test('reads or refuses whatever a VHD is turned into, and never fails in another way', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.nat(2 ** 31)), async (seed) => {
      const file = mutateVhd(seededRng(seed));
      await runsOfEnds(file).then(
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

test('takes a footer for damaged whichever bit of it is turned', async () => {
  const good = buildVhd();
  await fc.assert(
    fc.asyncProperty(fc.nat(511), fc.nat(7), fc.boolean(), async (at, bit, atEnd) => {
      const file = Buffer.from(good);
      const place = (atEnd ? file.length - 512 : 0) + at;
      file[place] = (file[place] ?? 0) ^ (1 << bit);
      await assert.rejects(openDisk(new MemorySource(file)), ImageRefused);
    }),
    { numRuns: 300 },
  );
});
