import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { baseOf, createMemoryDevice } from '../../test/fixtures/memory-device.ts';
import { blockBytes, numbered, overlayPlace, readAll } from '../../test/fixtures/test-overlay.ts';
import type { BlockDevice } from '../formats/block-device.ts';
import { frozenLayersMax, TooManyFrozenLayers } from './overlay.ts';

const fileBytes = 64 * blockBytes;

test('reads what no change has touched from the base, and zeros behind its end', async () => {
  await using place = await overlayPlace(10 * blockBytes + 512);
  const base = numbered(0, 4).subarray(0, 3 * blockBytes + 100);
  await using overlay = await place.open({ base: baseOf(createMemoryDevice(base)) });
  await overlay.writeAt(Buffer.from('here'), 2 * blockBytes - 2);
  await overlay.writeAt(Buffer.from('end'), overlay.sizeBytes - 3);
  const expected = Buffer.alloc(overlay.sizeBytes);
  base.copy(expected);
  expected.write('here', 2 * blockBytes - 2);
  expected.write('end', overlay.sizeBytes - 3);
  assert.ok((await readAll(overlay)).equals(expected));
  for (const [offset, length] of [
    [1, 1],
    [4095, 2],
    [2 * blockBytes - 3, 6],
    [3 * blockBytes + 90, 20],
    [overlay.sizeBytes - 5, 5],
  ] as const) {
    assert.deepEqual(await readAll(overlay, offset, length), expected.subarray(offset, offset + length));
  }
});

test('never brings the base back where zeros were written or asked for', async () => {
  await using place = await overlayPlace(16 * blockBytes);
  const base = createMemoryDevice(numbered(0, 16));
  {
    await using overlay = await place.open({ base: baseOf(base) });
    await overlay.zeroAt(2 * blockBytes + 5, 3 * blockBytes);
    await overlay.writeAt(Buffer.alloc(2 * blockBytes), 8 * blockBytes);
  }
  await using overlay = await place.open({ base: baseOf(base) });
  const expected = numbered(0, 16);
  expected.fill(0, 2 * blockBytes + 5, 5 * blockBytes + 5);
  expected.fill(0, 8 * blockBytes, 10 * blockBytes);
  assert.ok((await readAll(overlay)).equals(expected));
  const kinds = await Array.fromAsync(overlay.extents(0, overlay.sizeBytes));
  const at = (offset: number) =>
    kinds.find((extent) => extent.offset <= offset && offset < extent.offset + extent.length)?.kind;
  assert.deepEqual(
    [at(0), at(3 * blockBytes), at(9 * blockBytes), at(15 * blockBytes)],
    ['data', 'zero', 'zero', 'data'],
  );
  assert.equal(
    kinds.reduce((sum, { length }) => sum + length, 0),
    overlay.sizeBytes,
  );
  assert.equal(overlay.usage().liveBytes, 2 * blockBytes, 'two blocks are zero in part');
});

test('says nothing of zeros where there is nothing', async () => {
  await using place = await overlayPlace(2 ** 40);
  await using overlay = await place.open({ base: baseOf(createMemoryDevice(numbered(0, 1))) });
  await overlay.zeroAt(2 ** 30, 2 ** 39);
  await overlay.writeAt(Buffer.alloc(blockBytes), 2 ** 33);
  assert.deepEqual(overlay.usage().logFiles, 0);
  await overlay.zeroAt(0, 2 ** 40);
  assert.deepEqual(await readAll(overlay, 0, blockBytes), Buffer.alloc(blockBytes));
  assert.ok(overlay.usage().indexMemoryBytes < 4096);
});

test('makes overlapping changes that come at once one after the other in each block', async () => {
  await using place = await overlayPlace(8 * blockBytes);
  await using overlay = await place.open();
  const writes = Array.from({ length: 40 }, (_, at) => {
    // Odd ones are of parts of blocks, which are read before they are written.
    const offset = (at % 5) * 700 + (at % 2 === 0 ? 0 : 300);
    return overlay.writeAt(Buffer.alloc(3 * blockBytes, at + 1), offset);
  });
  await Promise.all(writes);
  const bytes = await readAll(overlay);
  // All of them meet in these blocks, so they are as if they had come in turn, whichever way.
  const expected = Buffer.alloc(8 * blockBytes);
  for (let at = 0; at < 40; at += 1) {
    const offset = (at % 5) * 700 + (at % 2 === 0 ? 0 : 300);
    expected.fill(at + 1, offset, offset + 3 * blockBytes);
  }
  assert.ok(bytes.equals(expected));
});

test('a frozen layer stays as the disk was, and says what has changed', async () => {
  await using place = await overlayPlace(32 * blockBytes);
  const base = createMemoryDevice(numbered(0, 8));
  await using overlay = await place.open({ base: baseOf(base), fileBytes });
  await overlay.writeAt(numbered(4, 8, 2), 4 * blockBytes);
  await overlay.zeroAt(0, blockBytes);
  const before = await readAll(overlay);
  const frozen = await overlay.freeze();
  await overlay.writeAt(numbered(0, 32, 3), 0);
  await overlay.zeroAt(6 * blockBytes, blockBytes);
  assert.ok((await readAll(frozen)).equals(before));
  assert.deepEqual(
    [...frozen.changes(0, 32 * blockBytes)].map(({ offset, length, kind }) => [
      offset / blockBytes,
      length / blockBytes,
      kind,
    ]),
    [
      [0, 1, 'zero'],
      [1, 3, 'absent'],
      [4, 8, 'data'],
      [12, 20, 'absent'],
    ],
  );
  await frozen.settle();
  const after = await readAll(overlay);
  // The same, once its content is elsewhere.
  await overlay.rebase(baseOf(createMemoryDevice(before)), frozen);
  assert.ok((await readAll(overlay)).equals(after));
  assert.deepEqual(overlay.frozenLayers(), []);
  await assert.rejects(readAll(frozen), /was dropped/);
});

test('is opened over no other base than it was written over, and over either while that changes', async () => {
  await using place = await overlayPlace(8 * blockBytes);
  const [first, second] = [numbered(0, 8), numbered(8, 8)].map((bytes) => createMemoryDevice(bytes));
  assert.ok(first && second);
  const open = async (device: BlockDevice, id: string) =>
    (await place.open({ base: baseOf(device, id) }))[Symbol.asyncDispose]();
  const written = numbered(20, 4);
  {
    await using overlay = await place.open({ base: baseOf(first, 'first') });
    await overlay.writeAt(written, 0);
    const layer = await overlay.freeze();
    await overlay.allowBase('second');
    await using before = await place.copy();
    for (const id of ['first', 'second']) {
      await using crashed = await before.copy();
      await using again = await crashed.open({ base: baseOf(first, id) });
      assert.ok((await readAll(again, 0, written.length)).equals(written), 'the layers are there with either');
    }
    await overlay.allowBase('third');
    await overlay.rebase(baseOf(second, 'second'), layer);
    await using settled = await place.copy();
    await using third = await settled.open({ base: baseOf(second, 'third') });
    assert.equal(third.frozenLayers().length, 0, 'whoever is about to put a third one there still may');
    await overlay.rebase(baseOf(second, 'third'), await overlay.freeze());
    await overlay.allowBase('second');
    await overlay.rebase(baseOf(second, 'second'), await overlay.freeze());
  }
  await open(second, 'second');
  await assert.rejects(open(first, 'first'), { name: 'BaseWrong', baseIds: ['second'] });
  await assert.rejects(place.open(), /was written over base second, and is opened over no base/);
});

test('frozen layers are there again after a close, and their files go with them', async () => {
  await using place = await overlayPlace(32 * blockBytes);
  const contents: Buffer[] = [];
  {
    await using overlay = await place.open({ fileBytes });
    for (let round = 0; round < 3; round += 1) {
      await overlay.writeAt(numbered(round * 4, 20, round + 1), round * 4 * blockBytes);
      contents.push(await readAll(overlay));
      await overlay.freeze();
    }
  }
  await using overlay = await place.open({ fileBytes });
  const layers = overlay.frozenLayers();
  assert.equal(layers.length, 3);
  for (const [at, layer] of layers.entries()) assert.ok((await readAll(layer)).equals(contents[at] ?? Buffer.alloc(0)));
  const [first, second, third] = layers;
  assert.ok(first && second && third);
  await overlay.rebase(baseOf(createMemoryDevice(contents[1] ?? Buffer.alloc(0))), second);
  assert.ok((await readAll(third)).equals(contents[2] ?? Buffer.alloc(0)));
  await overlay.rebase(baseOf(createMemoryDevice(contents[2] ?? Buffer.alloc(0))), third);
  assert.equal(overlay.usage().liveBytes, 0);
  assert.ok((await readdir(place.directory)).length <= 3, 'the manifest, and files that are empty');
});

test('has at most eight frozen layers', async () => {
  await using place = await overlayPlace(blockBytes);
  await using overlay = await place.open();
  for (let count = 0; count < frozenLayersMax; count += 1) await overlay.freeze();
  await assert.rejects(overlay.freeze(), TooManyFrozenLayers);
  await overlay.writeAt(numbered(0, 1), 0, { durable: true });
  await overlay.frozenLayers()[3]?.drop();
  assert.equal(overlay.frozenLayers().length, 4);
  await overlay.freeze();
});

test('grows, with zeros, and keeps its size', async () => {
  await using place = await overlayPlace(blockBytes + 512);
  {
    await using overlay = await place.open({ base: baseOf(createMemoryDevice(numbered(0, 1))) });
    await overlay.writeAt(Buffer.alloc(512, 7), blockBytes);
    await overlay.resize(4 * blockBytes);
    await assert.rejects(overlay.resize(blockBytes), RangeError);
    await overlay.writeAt(Buffer.alloc(10, 9), 4 * blockBytes - 10);
    const expected = Buffer.concat([numbered(0, 1), Buffer.alloc(512, 7), Buffer.alloc(3 * blockBytes - 512)]);
    expected.fill(9, 4 * blockBytes - 10);
    assert.ok((await readAll(overlay)).equals(expected));
  }
  await using overlay = await place.open({ sizeBytes: 5 * blockBytes });
  assert.deepEqual(
    await readAll(overlay, 4 * blockBytes - 10, 20),
    Buffer.concat([Buffer.alloc(10, 9), Buffer.alloc(10)]),
  );
});

test('gives back the space of what was overwritten and trimmed', async () => {
  await using place = await overlayPlace(256 * blockBytes);
  const base = createMemoryDevice(Buffer.alloc(256 * blockBytes, 0xbb));
  const expected = Buffer.alloc(256 * blockBytes, 0xbb);
  {
    await using overlay = await place.open({ base: baseOf(base), fileBytes });
    for (let round = 0; round < 10; round += 1) {
      await overlay.writeAt(numbered(0, 100, round + 1), 0);
      await overlay.zeroAt(100 * blockBytes, (round + 1) * blockBytes);
    }
    await overlay.writeAt(numbered(200, 40, 5), 200 * blockBytes);
    await overlay.zeroAt(0, 90 * blockBytes);
    numbered(0, 100, 10).copy(expected);
    numbered(200, 40, 5).copy(expected, 200 * blockBytes);
    expected.fill(0, 0, 90 * blockBytes);
    expected.fill(0, 100 * blockBytes, 110 * blockBytes);
    const before = overlay.usage();
    await overlay.compact();
    const after = overlay.usage();
    assert.equal(after.liveBytes, 50 * blockBytes);
    assert.ok(
      before.storedBytes > 1000 * blockBytes && after.storedBytes < 260 * blockBytes,
      JSON.stringify({ before, after }),
    );
    assert.ok((await readAll(overlay)).equals(expected));
  }
  await using overlay = await place.open({ base: baseOf(base), fileBytes });
  assert.ok((await readAll(overlay)).equals(expected));
});

test('opening and closing again and again does not leave a file each time', async () => {
  await using place = await overlayPlace(64 * blockBytes);
  for (let round = 0; round < 30; round += 1) {
    await using overlay = await place.open({ fileBytes: 1024 * blockBytes });
    await overlay.writeAt(numbered(round, 1), round * blockBytes);
    await overlay.compact();
  }
  await using overlay = await place.open();
  assert.ok(overlay.usage().logFiles <= 12, `${overlay.usage().logFiles} files`);
  assert.ok((await readAll(overlay, 0, 30 * blockBytes)).equals(numbered(0, 30)));
});

test('refuses what is not of the disk, and everything once it is closed', async () => {
  await using place = await overlayPlace(blockBytes);
  const overlay = await place.open();
  await assert.rejects(overlay.writeAt(Buffer.alloc(2), blockBytes - 1), RangeError);
  await assert.rejects(overlay.readAt(Buffer.alloc(2), -1), RangeError);
  await assert.rejects(overlay.zeroAt(0, blockBytes + 1), RangeError);
  assert.throws(() => overlay.extents(1, blockBytes), RangeError);
  await overlay[Symbol.asyncDispose]();
  for (const call of [
    overlay.flush(),
    overlay.freeze(),
    overlay.writeAt(Buffer.alloc(1), 0),
    overlay.readAt(Buffer.alloc(1), 0),
  ]) {
    await assert.rejects(call, /closed/);
  }
});

test('stays as large as it was for who knows it smaller', async () => {
  await using place = await overlayPlace(blockBytes);
  {
    await using overlay = await place.open();
    await overlay.resize(3 * blockBytes);
    await overlay.writeAt(numbered(0, 1), 2 * blockBytes, { durable: true });
  }
  await using again = await place.open();
  assert.equal(again.sizeBytes, 3 * blockBytes);
  const block = Buffer.alloc(blockBytes);
  await again.readAt(block, 2 * blockBytes);
  assert.ok(block.equals(numbered(0, 1)));
});
