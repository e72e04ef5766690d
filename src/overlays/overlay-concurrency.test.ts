import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { baseOf, createMemoryDevice } from '../../test/fixtures/memory-device.ts';
import { blockBytes, numbered, overlayPlace, readAll } from '../../test/fixtures/test-overlay.ts';
import type { BlockDevice } from '../formats/block-device.ts';

const fileBytes = 32 * blockBytes;
const blocks = 64;

/** A base whose reads wait until they are let go. */
function gatedBase(): Disposable & { base: BlockDevice; asked: Promise<void>; letGo(): void } {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const device = createMemoryDevice(numbered(0, blocks));
  const base: BlockDevice = {
    ...device,
    async readAt(target, offset) {
      asked.resolve();
      await gate.promise;
      await device.readAt(target, offset);
    },
  };
  const letGo = (): void => gate.resolve();
  return { base, asked: asked.promise, letGo, [Symbol.dispose]: letGo };
}

/** Whether it is still open after more time than it would take if nothing held it up. */
async function isHeldUp(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => 'done'), delay(150, 'waiting')])) === 'waiting';
}

test('a freeze waits for the changes under way, and later ones wait for it', { timeout: 30_000 }, async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  const { base, asked, letGo, [Symbol.dispose]: end } = gatedBase();
  await using overlay = await place.open({ base: baseOf(base), fileBytes });
  using _gate = { [Symbol.dispose]: end }; // or a failing test would not end
  // The second of two that nothing is written between leaves a file ready, so that the next one has nothing to wait for.
  await overlay.freeze();
  await overlay.freeze();
  const partial = overlay.writeAt(Buffer.alloc(10, 7), 100);
  await asked;
  const freezing = overlay.freeze();
  assert.ok(await isHeldUp(freezing));
  const later = overlay.writeAt(numbered(9, 1, 5), 9 * blockBytes);
  assert.ok(await isHeldUp(later));
  letGo();
  await Promise.all([partial, later]);
  const frozen = await freezing;
  const expected = numbered(0, blocks);
  expected.fill(7, 100, 110);
  assert.ok((await readAll(frozen)).equals(expected));
});

test('a base that is replaced is not read any more when the call returns', { timeout: 30_000 }, async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  const { base, asked, letGo, [Symbol.dispose]: end } = gatedBase();
  await using overlay = await place.open({ base: baseOf(base), fileBytes });
  using _gate = { [Symbol.dispose]: end }; // or a failing test would not end
  const reading = readAll(overlay);
  await asked;
  const frozen = await overlay.freeze();
  const rebasing = overlay.rebase(baseOf(createMemoryDevice(numbered(0, blocks))), frozen);
  assert.ok(await isHeldUp(rebasing));
  letGo();
  assert.ok((await reading).equals(numbered(0, blocks)));
  await rebasing;
});

test('compaction leaves a file where it is while somebody may still read it', { timeout: 30_000 }, async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  const { base, asked, letGo, [Symbol.dispose]: end } = gatedBase();
  await using overlay = await place.open({ base: baseOf(base), fileBytes });
  using _gate = { [Symbol.dispose]: end }; // or a failing test would not end
  for (let round = 0; round < 8; round += 1) await overlay.writeAt(numbered(0, 20, round), 0);
  const reading = readAll(overlay);
  await asked;
  const before = overlay.usage().logFiles;
  const compacting = overlay.compact();
  assert.ok(await isHeldUp(compacting));
  const during = overlay.usage().logFiles;
  assert.ok(during >= before);
  letGo();
  await compacting;
  assert.ok(overlay.usage().logFiles < during);
  const expected = numbered(0, blocks);
  numbered(0, 20, 7).copy(expected);
  assert.ok((await reading).equals(expected));
});

test('compaction never puts back what was overwritten while it was at work', async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  await using overlay = await place.open({ fileBytes });
  const expected = Buffer.alloc(blocks * blockBytes);
  for (let round = 0; round < 12; round += 1) {
    await overlay.writeAt(numbered(0, 40, round + 1), 0);
    numbered(0, 40, round + 1).copy(expected);
    const writes = Array.from({ length: 60 }, async (_, at) => {
      const block = (at * 7) % 40;
      const bytes = numbered(block, 1, 100 + round);
      bytes.copy(expected, block * blockBytes);
      await overlay.writeAt(bytes, block * blockBytes);
    });
    await Promise.all([overlay.compact(), ...writes, overlay.compact()]);
    assert.ok((await readAll(overlay)).equals(expected));
  }
});
