import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLocalBlobs } from '../../src/blobs/local.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { createRandom } from './random.ts';
import { type FileFault, VolatileFiles } from './volatile-files.ts';

/** What a power cut leaves at random, it leaves in none of so many tries only by a miracle. */
const tries = 20;

async function put(packs: string, name: string): Promise<void> {
  await using blobs = await openLocalBlobs(packs);
  await using writer = await blobs.create(name);
  await writer.append([Uint8Array.of(1, 2, 3)]);
  await writer.seal();
}

async function eachTry(work: (packs: string, files: VolatileFiles) => Promise<void>): Promise<void> {
  for (let seed = 0; seed < tries; seed += 1) {
    await using directory = await temporaryDirectory();
    const root = join(directory.path, 'packs');
    const shadow = join(directory.path, 'shadow');
    using files = new VolatileFiles({ root, shadow, random: createRandom(seed) });
    await work(root, files);
  }
}

test('a sealed blob outlives a power cut in a folder that another process made before it died', async () => {
  await eachTry(async (packs, files) => {
    await put(packs, 'aa01');
    // It dies when it has made the folder `02`, and before that name is durable.
    files.setFault({ call: 3, does: 'kill before' } satisfies FileFault);
    await assert.rejects(put(packs, 'aa02'));
    files.restart();
    await put(packs, 'bb02');
    files.setFault({ call: 1, does: 'cut before' });
    await assert.rejects(put(packs, 'cc03'));
    files.restart();
    await using blobs = await openLocalBlobs(packs);
    assert.deepEqual([...(await blobs.read('bb02', 0, 3))], [1, 2, 3]);
  });
});

test('a blob is there whole or not at all after a power cut at any call of its making', async () => {
  for (let call = 1; call <= 10; call += 1) {
    await eachTry(async (packs, files) => {
      await put(packs, 'aa01');
      files.setFault({ call, does: 'cut after' });
      const isSealed = await put(packs, 'aa02').then(
        () => true,
        () => false,
      );
      files.restart();
      await using blobs = await openLocalBlobs(packs);
      const found = await blobs.stat('aa02');
      if (isSealed) assert.ok(found !== undefined);
      if (found !== undefined) assert.deepEqual([...(await blobs.read('aa02', 0, 3))], [1, 2, 3]);
      assert.deepEqual([...(await blobs.read('aa01', 0, 3))], [1, 2, 3]);
    });
  }
});
