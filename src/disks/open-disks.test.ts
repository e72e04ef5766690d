import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { insertFolder } from '../../test/fixtures/image-fixture.ts';
import { testNodeId } from '../../test/fixtures/node-fixture.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { frozenLayersMax } from '../overlays/overlay.ts';
import { OverlayDamaged, OverlayFailed } from '../overlays/overlay-failed.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { segmentBytes } from '../volumes/manifest.ts';
import { ReadCache } from '../volumes/read-cache.ts';
import type { Disk } from './disk.ts';
import { findDisk } from './disk-rows.ts';
import { OpenDisks } from './open-disks.ts';

const mib = 1024 * 1024;
const baseBytes = noise(mib, 1);
const newBytes = noise(mib, 2);

/** A disk of one MiB with a base, and another volume to put under it. */
async function openPlace(t: TestContext) {
  const testStore = await openTestStore();
  t.after(() => testStore[Symbol.asyncDispose]());
  const { store } = testStore;
  await insertFolder(store.db);
  const held = async (holder: string, bytes: Uint8Array) => {
    const { id, sizeBytes, guestDigest } = await storeGuestAs(testStore, holder, createMemoryGuest(bytes));
    return { volumeId: id, sizeBytes, guestDigest: hexOf(guestDigest) };
  };
  const base = await held('base', baseBytes);
  const stored = await held('stored', newBytes);
  const disk = await addDisk(store.db, { sizeBytes: mib, base });
  const directory = join(testStore.directory, 'disks');
  await mkdir(directory);
  const start = (keepDeletedMs = 0) =>
    OpenDisks.open({ store, cache: new ReadCache(), directory, nodeId: testNodeId, frozen: [], keepDeletedMs });
  const disks = await start();
  t.after(() => disks[Symbol.asyncDispose]());
  return { store, disk, stored, disks, start, path: join(directory, disk.id) };
}

async function writeAll(disks: OpenDisks, disk: Disk, bytes: Uint8Array): Promise<void> {
  await using used = await disks.use(disk);
  await used.device.writeAt(bytes, 0);
}

async function readAll(disks: OpenDisks, disk: Disk): Promise<Buffer> {
  await using used = await disks.use(disk);
  const bytes = Buffer.alloc(mib);
  await used.device.readAt(bytes, 0);
  return bytes;
}

test('a disk that has lost its overlay is refused, and never read as its base', async (t) => {
  const { disk, disks, path } = await openPlace(t);
  assert.equal(await disks.freeze(disk), undefined, 'it is its base still');
  await writeAll(disks, disk, newBytes);
  await rm(path, { recursive: true });
  await assert.rejects(disks.use(disk), OverlayDamaged);
  await assert.rejects(disks.freeze(disk), OverlayDamaged);
  await mkdir(path);
  await assert.rejects(disks.use(disk), /had an overlay/);
});

test('whoever knows an old row of a disk reads it over the base that it has now', async (t) => {
  const { store, disk, stored, disks } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  await disks.release((await disks.freeze(disk)) ?? '', stored);
  assert.equal((await findDisk(store.db.read, disk.id))?.base?.volumeId, stored.volumeId);
  assert.ok((await readAll(disks, disk)).equals(newBytes));
});

test('a row out of an older backup gets back the base that its overlay was written over', async (t) => {
  const { store, disk, stored, disks } = await openPlace(t);
  const { db } = store;
  await writeAll(disks, disk, newBytes);
  const frozen = (await disks.freeze(disk)) ?? '';
  const backup = await db.read.selectFrom('disks').selectAll().where('id', '=', disk.id).executeTakeFirstOrThrow();
  await disks.release(frozen, stored);
  const restore = () => db.transact((tx) => tx.updateTable('disks').set(backup).where('id', '=', disk.id).execute());

  await restore();
  assert.ok((await readAll(disks, disk)).equals(newBytes));
  assert.equal((await findDisk(db.read, disk.id))?.base?.volumeId, stored.volumeId);

  await restore();
  const lose = db.transact((tx) =>
    tx
      .updateTable('volumes')
      .set({ root_id: Buffer.alloc(32) })
      .where('id', '=', stored.volumeId)
      .execute(),
  );
  await lose;
  await assert.rejects(disks.use(disk), { code: 'DATA_LOSS', message: /older backup\..*fsck --rebuild/ });
});

test('the base stays while anything is frozen, also what is frozen in the moment of a release', async (t) => {
  const { store, disk, stored, disks } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  const first = await disks.freeze(disk);
  const [, second] = await Promise.all([disks.release(first ?? '', stored), disks.freeze(disk)]);
  const base = (await findDisk(store.db.read, disk.id))?.base;
  const frozen = { diskId: disk.id, sizeBytes: mib, volumeId: base?.volumeId, frozenId: second ?? '', nodeId: '' };
  {
    await using reader = await disks.openFrozen(frozen);
    assert.equal(reader.sizeBytes, mib);
  }
  await disks.release(second ?? '');
  assert.equal((await findDisk(store.db.read, disk.id))?.base?.volumeId, stored.volumeId);
  assert.ok((await readAll(disks, disk)).equals(newBytes));
});

test('what was frozen for operations that failed takes no place for good', async (t) => {
  const { disk, disks } = await openPlace(t);
  await using used = await disks.use(disk);
  const expected = Buffer.from(baseBytes);
  for (let value = 1; value <= 20; value += 1) {
    await used.device.writeAt(Buffer.alloc(8192, value), value * 4096);
    expected.fill(value, value * 4096, value * 4096 + 8192);
    await disks.release((await disks.freeze(disk)) ?? '');
  }
  assert.deepEqual(used.device.frozenLayers(), []);
  assert.ok((await readAll(disks, disk)).equals(expected));
});

test('more than may be is frozen: says so, and that it passes', async (t) => {
  const { disk, disks } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  const frozen: (string | undefined)[] = [];
  for (let count = 0; count < 8; count += 1) frozen.push(await disks.freeze(disk));
  await assert.rejects(disks.freeze(disk), {
    code: 'FAILED_PRECONDITION',
    message: /8 snapshots .* still being stored/,
  });
  await disks.release(frozen[3] ?? '');
  assert.match((await disks.freeze(disk)) ?? '', /\.9$/);
});

test('what an operation has frozen and a process that died has not released is merged by the next one', async (t) => {
  const { disk, disks, start } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  await disks.freeze(disk);
  await disks[Symbol.asyncDispose]();
  await using next = await start();
  await using used = await next.use(disk);
  assert.deepEqual(used.device.frozenLayers(), []);
  assert.ok((await readAll(next, disk)).equals(newBytes));
});

test('once it closes it opens nothing, and all that was written is there', async (t) => {
  const { disk, stored, disks, start } = await openPlace(t);
  const used = await disks.use(disk);
  await used.device.writeAt(newBytes, 0);
  const frozen = await disks.freeze(disk);
  const closing = disks[Symbol.asyncDispose]();
  await assert.rejects(disks.use(disk), OverlayFailed);
  await assert.rejects(disks.release(frozen ?? '', stored), OverlayFailed);
  await closing;
  await used[Symbol.asyncDispose]();
  await using next = await start();
  assert.ok((await readAll(next, disk)).equals(newBytes));
});

test('what a disk holds goes with it, at the latest when the last one gives it back', async (t) => {
  const { store, disk, disks, path } = await openPlace(t);
  const used = await disks.use(disk);
  await store.db.transact((tx) => tx.deleteFrom('disks').where('id', '=', disk.id).execute());
  await disks.discard(disk.id);
  await used[Symbol.asyncDispose]();
  await assert.rejects(rm(path, { recursive: true }), { code: 'ENOENT' });
  await assert.rejects(disks.use(disk), { code: 'NOT_FOUND' });
});

test('what a deleted disk held stays until no backup of the metadata knows the disk', async (t) => {
  const { store, disk, disks, start, path } = await openPlace(t);
  await disks[Symbol.asyncDispose]();
  const rows = await store.db.read.selectFrom('disks').selectAll().execute();
  {
    await using deleting = await start(60_000);
    await writeAll(deleting, disk, newBytes);
    await store.db.transact((tx) => tx.deleteFrom('disks').execute());
    await deleting.discard(disk.id);
    await deleting.sweep();
    const [row] = rows;
    assert.ok(row !== undefined);
    await store.db.transact((tx) =>
      tx
        .insertInto('disks')
        .values({ ...row, has_overlay: 1 })
        .execute(),
    );
    assert.ok((await readAll(deleting, disk)).equals(newBytes), 'restored');
    await store.db.transact((tx) => tx.deleteFrom('disks').execute());
    await deleting.discard(disk.id);
  }
  await wait(5);
  await (await start(1))[Symbol.asyncDispose]();
  await assert.rejects(readdir(path), { code: 'ENOENT' });
});

test('an overlay that the metadata knows no disk of stays for a while', async (t) => {
  const { store, disk, disks, start, path } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  await disks[Symbol.asyncDispose]();
  const rows = await store.db.read.selectFrom('disks').selectAll().execute();
  await store.db.transact((tx) => tx.deleteFrom('disks').execute());
  const startAndEnd = async (keepMs: number) => (await start(keepMs))[Symbol.asyncDispose]();
  await startAndEnd(60_000);
  await startAndEnd(60_000);
  await store.db.transact((tx) => tx.insertInto('disks').values(rows).execute());
  {
    await using next = await start(60_000);
    assert.ok((await readAll(next, disk)).equals(newBytes), 'a better backup was found');
  }
  assert.deepEqual(
    (await readdir(path)).filter((name) => name === 'without-disk'),
    [],
  );
  await store.db.transact((tx) => tx.deleteFrom('disks').execute());
  await startAndEnd(1);
  await wait(5);
  await startAndEnd(1);
  await assert.rejects(readdir(path), { code: 'ENOENT' });
});

test('says of any range of segments whether one was written to before the freeze, in whichever layer', async (t) => {
  const { store, disk, disks } = await openPlace(t);
  const sizeBytes = 2 * 2 ** 40 + 5 * mib;
  await store.db.transact((tx) => tx.updateTable('disks').set({ size: sizeBytes }).where('id', '=', disk.id).execute());
  const large = { ...disk, sizeBytes };
  const writeTo = async (offset: number) => {
    await using used = await disks.use(large);
    await used.device.writeAt(noise(8192, 3), offset);
    await used.device.flush();
  };
  await writeTo(300 * segmentBytes);
  await disks.freeze(large);
  await writeTo(sizeBytes - 8192);
  const frozenId = (await disks.freeze(large)) ?? '';
  await writeTo(700 * segmentBytes);
  await disks.freeze(large);

  const frozen = { diskId: disk.id, sizeBytes, volumeId: disk.base?.volumeId, frozenId, nodeId: '' };
  await using reader = await disks.openFrozen(frozen);
  const isChanged = (first: number, count: number) => reader.over?.isChanged(first, count);
  const last = Math.floor(sizeBytes / segmentBytes);
  assert.deepEqual(
    [isChanged(300, 1), isChanged(256, 256), isChanged(0, 256), isChanged(512, 256)],
    [true, true, false, false],
  );
  assert.deepEqual([isChanged(last, 1), isChanged(last, 256), isChanged(last - 256, 256)], [true, true, false]);
  assert.equal(isChanged(last + 1, 256), false, 'behind the end');
});

test('who freezes a disk again before the last snapshot was let go is never refused', async (t) => {
  const { store, disk, stored, disks } = await openPlace(t);
  await writeAll(disks, disk, newBytes);
  let held = (await disks.freeze(disk)) ?? '';
  for (let round = 0; round < 3 * frozenLayersMax; round += 1) {
    await writeAll(disks, disk, newBytes);
    const next = (await disks.freeze(disk)) ?? '';
    await disks.release(held, stored);
    held = next;
    assert.ok(disks.figures().frozenLayers <= frozenLayersMax);
  }
  assert.equal(
    (await findDisk(store.db.read, disk.id))?.base?.volumeId,
    disk.base?.volumeId,
    'something was always held',
  );
  assert.ok((await readAll(disks, disk)).equals(newBytes));
  await disks.release(held, stored);
  assert.equal((await findDisk(store.db.read, disk.id))?.base?.volumeId, stored.volumeId);
  assert.ok((await readAll(disks, disk)).equals(newBytes));
});
