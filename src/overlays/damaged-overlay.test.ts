import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { baseOf, createMemoryDevice } from '../../test/fixtures/memory-device.ts';
import { blockBytes, numbered, type OverlayPlace, overlayPlace, readAll } from '../../test/fixtures/test-overlay.ts';
import { encodeBatchHeader } from './log-format.ts';
import { readManifest, writeManifest } from './manifest.ts';
import { OverlayDamaged } from './overlay-failed.ts';

const blocks = 60;
const fileBytes = 32 * blockBytes;

/** An overlay of several sealed files and a frozen layer, and what is on its disk. */
async function closedOverlay(): Promise<{ place: OverlayPlace; expected: Buffer }> {
  const place = await overlayPlace(blocks * blockBytes);
  await using overlay = await place.open({ fileBytes });
  await overlay.writeAt(numbered(0, blocks), 0);
  await overlay.freeze();
  await overlay.writeAt(numbered(10, 20, 2), 10 * blockBytes);
  await overlay.zeroAt(30 * blockBytes, 5 * blockBytes);
  return { place, expected: await readAll(overlay) };
}

/** The folder as kill -9 leaves it after writes that were flushed one by one. */
async function killedOverlay(): Promise<{ place: OverlayPlace; expected: Buffer }> {
  await using place = await overlayPlace(blocks * blockBytes);
  await using overlay = await place.open();
  for (let block = 0; block < 5; block += 1)
    await overlay.writeAt(numbered(block, 1), block * blockBytes, { durable: true });
  return { place: await place.copy(), expected: await readAll(overlay) };
}

async function logFiles(place: OverlayPlace): Promise<string[]> {
  const names = (await readdir(place.directory)).filter((name) => name.endsWith('.log')).sort();
  return names.map((name) => join(place.directory, name));
}

async function change(path: string, offset: number, by = 0xff): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ by;
  await writeFile(path, bytes);
}

test('any changed byte of a closed overlay is an error or makes no difference', async () => {
  const { place, expected } = await closedOverlay();
  await using _place = place;
  const files = [...(await logFiles(place)), join(place.directory, 'overlay.json')];
  await fc.assert(
    fc.asyncProperty(fc.nat(1000), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, by) => {
      await using copy = await place.copy();
      const path = join(copy.directory, (files[which % files.length] ?? '').split('/').at(-1) ?? '');
      const { length } = await readFile(path);
      // Headers and trailers more often than data.
      const offset = where % 3 === 0 ? where % length : where % Math.min(length, 200);
      await change(path, where % 3 === 2 ? length - 1 - offset : offset, by);
      try {
        await using overlay = await copy.open({ fileBytes, whenMissing: 'refuse' });
        const bytes = await readAll(overlay);
        assert.ok(bytes.equals(expected), 'other bytes');
      } catch (error) {
        if (!(error instanceof OverlayDamaged)) throw error;
      }
    }),
    { numRuns: 120 },
  );
});

test('a block of data that was changed fails alone', async () => {
  const { place, expected } = await closedOverlay();
  await using _place = place;
  const [first] = await logFiles(place);
  await change(first ?? '', 2 * blockBytes + 77); // block 0 is the header, 1 the first batch's
  await using overlay = await place.open({ fileBytes });
  await assert.rejects(readAll(overlay, 0, 10), /block 2 is damaged: block 0 of the disk/);
  assert.ok((await readAll(overlay, blockBytes)).equals(expected.subarray(blockBytes)));
  await overlay.writeAt(numbered(0, 1), 0);
  assert.ok((await readAll(overlay)).equals(expected), 'what is written again is whole again');
});

test('a missing, short, foreign or swapped log file is refused', async () => {
  const { place } = await closedOverlay();
  await using _place = place;
  const other = await closedOverlay();
  await using _other = other.place;
  const names = (await logFiles(place)).map((path) => path.split('/').at(-1) ?? '');
  const [first = '', second = ''] = names;
  const cases: readonly [RegExp, (directory: string) => Promise<unknown>][] = [
    [/is missing/, (directory) => rm(join(directory, first))],
    [/bytes where/, (directory) => truncate(join(directory, first), 2 * blockBytes)],
    [
      /lost its index/,
      async (directory) =>
        change(join(directory, first), (await readFile(join(directory, first))).length - 2 * blockBytes),
    ],
    [/is not a log file/, (directory) => truncate(join(directory, first), 0)],
    [/of another overlay/, (directory) => copyFile(join(other.place.directory, first), join(directory, first))],
    [/says that it is file/, (directory) => copyFile(join(directory, second), join(directory, first))],
    [/is missing, and there are log files/, (directory) => rm(join(directory, 'overlay.json'))],
    [/checksum/, (directory) => writeFile(join(directory, 'overlay.json'), '{}\ncrc32 00000000\n')],
  ];
  for (const [message, damage] of cases) {
    await using copy = await place.copy();
    await damage(copy.directory);
    await assert.rejects(
      copy.open({ fileBytes }),
      (error) => error instanceof OverlayDamaged && message.test(error.message),
    );
  }
});

test('an overlay that should be there and is not is refused', async () => {
  await using place = await overlayPlace(blockBytes);
  await assert.rejects(place.open({ whenMissing: 'refuse' }), OverlayDamaged);
  await place.open().then((overlay) => overlay[Symbol.asyncDispose]());
  await rm(join(place.directory, 'overlay.json'));
  await assert.rejects(place.open({ whenMissing: 'refuse' }), /had an overlay/);
});

test('what was durable after a kill is there, or its loss is an error', async () => {
  const { place, expected } = await killedOverlay();
  await using _place = place;
  const [first = ''] = await logFiles(place);
  const name = first.split('/').at(-1) ?? '';
  {
    await using copy = await place.copy();
    await using overlay = await copy.open();
    assert.ok((await readAll(overlay)).equals(expected));
  }
  for (const block of [1, 3, 5]) {
    // A header of a batch that later ones know to have been durable.
    await using copy = await place.copy();
    await change(join(copy.directory, name), block * blockBytes + 70);
    await assert.rejects(copy.open(), /had been durable/);
  }
  {
    // Data of one: its block alone is lost, and nobody is told other bytes.
    await using copy = await place.copy();
    await change(join(copy.directory, name), 4 * blockBytes + 70);
    await using overlay = await copy.open();
    await assert.rejects(readAll(overlay), OverlayDamaged);
    assert.ok((await readAll(overlay, 2 * blockBytes)).equals(expected.subarray(2 * blockBytes)));
  }
});

test('what a guest writes is never taken for a batch', async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  const base = createMemoryDevice(numbered(0, blocks));
  await using overlay = await place.open({ base: baseOf(base) });
  await overlay.writeAt(numbered(0, 1, 2), 0, { durable: true });
  // All is right in it but the salt, which the guest can't know. It says that much had been durable that is not there.
  const salt = Buffer.alloc(8, 1);
  const batch = encodeBatchHeader(Buffer.alloc(blockBytes), { salt, sequence: 9, synced: 99, data: [], zeros: [] });
  await overlay.writeAt(batch, blockBytes, { durable: true });
  await using killed = await place.copy();
  // A torn header in front of it, and the reader looks at every block behind.
  await change((await logFiles(killed))[0] ?? '', 3 * blockBytes);
  await using again = await killed.open({ base: baseOf(base) });
  assert.deepEqual(
    await readAll(again, blockBytes, blockBytes),
    numbered(0, blocks).subarray(blockBytes, 2 * blockBytes),
  );
});

test('an index that the manifest does not list is not trusted: its data may not have come to the disk', async () => {
  await using place = await overlayPlace(blocks * blockBytes);
  const base = createMemoryDevice(numbered(0, blocks));
  {
    await using overlay = await place.open({ base: baseOf(base) });
    await overlay.writeAt(numbered(0, 1, 2), 0, { durable: true });
    await overlay.writeAt(numbered(1, 1, 2), blockBytes);
  }
  // As it is when the power goes between the index and its fsync: the second batch has lost its data.
  const manifest = await readManifest(place.directory);
  assert.ok(manifest !== undefined);
  const layers = manifest.layers.map(({ number, files }) => ({
    number,
    files: files.map((file) => ({ ...file, sealedBlocks: 0 })),
  }));
  await writeManifest(place.directory, { ...manifest, sealedSequence: 0, layers });
  await change((await logFiles(place))[0] ?? '', 4 * blockBytes + 9);
  await using overlay = await place.open({ base: baseOf(base) });
  assert.deepEqual(await readAll(overlay, 0, blockBytes), numbered(0, 1, 2));
  assert.deepEqual(await readAll(overlay, blockBytes, blockBytes), numbered(1, 1));
});
