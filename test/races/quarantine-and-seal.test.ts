import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { QuarantinedMeanwhile, quarantine } from '../../src/volumes/quarantine.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { type Actor, createPausedGuest, SharedStore } from '../fixtures/store-actors.ts';

/** Stored bytes turn out to be damaged while an import refers to them. */

const mib = 1024 * 1024;
const bytes = noise(8 * mib, 1);

/** Damages the first chunk of the oldest pack, and `finder` finds out. */
async function damage(shared: SharedStore, finder: Actor): Promise<void> {
  const place = await shared.db.read
    .selectFrom('chunks')
    .innerJoin('packs', 'packs.id', 'chunks.pack_id')
    .select(['chunks.id', 'chunks.pack_id', 'chunks.pack_offset'])
    .where('chunks.kind', '=', 'chunk')
    .orderBy('packs.created_at')
    .orderBy('chunks.pack_offset')
    .executeTakeFirstOrThrow();
  await using file = await open(join(shared.directory, place.pack_id.slice(-2), place.pack_id), 'r+');
  await file.write(Buffer.alloc(8, 0x55), 0, 8, place.pack_offset + 8);
  const corrupt = { id: place.id, packId: place.pack_id, fact: 'the test has damaged it' };
  await quarantine(finder.store, 'cloud', 'chunk', corrupt);
}

eachDatabase(({ create }) => {
  test('found before the segment is complete: the import stores the bytes again', async () => {
    await using shared = await SharedStore.create(create);
    const importer = await shared.actor({ hasty: true });
    await shared.import(importer, bytes, 'old');
    const lease = await shared.begin();
    const { guest, pause } = createPausedGuest(bytes, 4 * mib);
    const writing = shared.write(importer, lease, guest);
    await pause.reached(writing);
    await shared.checkpoint(lease);
    await damage(shared, await shared.actor());
    pause.release();

    // Guard: VolumeWriter#commitSegment tells what is damaged from what is missing: the one is cured by writing again,
    // the other is a mistake of ours.
    await assert.rejects(writing, QuarantinedMeanwhile);
    const volume = await shared.seal(importer, lease, await shared.write(importer, lease, bytes), 'new');
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  test('found before the seal: nothing is sealed over it, and the import stores the bytes again', async () => {
    await using shared = await SharedStore.create(create);
    const importer = await shared.actor();
    await shared.import(importer, bytes, 'old');
    const lease = await shared.begin();
    const written = await shared.write(importer, lease, bytes);
    await damage(shared, await shared.actor());

    // Guard: commitVolume looks for damage that was found since the packs were pinned.
    await assert.rejects(shared.seal(importer, lease, written, 'new'), QuarantinedMeanwhile);
    const volume = await shared.seal(importer, lease, await shared.write(importer, lease, bytes), 'new');
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  test('damage in a pack keeps nobody from using the rest of it', async () => {
    await using shared = await SharedStore.create(create);
    const importer = await shared.actor();
    await shared.import(importer, bytes, 'old');
    await damage(shared, await shared.actor());
    // Its chunks are in the damaged pack, too, but none of them is damaged.
    const other = bytes.subarray(4 * mib);
    const lease = await shared.begin();
    const volume = await shared.seal(importer, lease, await shared.write(importer, lease, other), 'new');
    assert.deepEqual(await shared.read(importer, volume.id), other);
  });

  test('damage found while its pack is being pinned is seen by the seal', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, finder] = [await shared.actor(), await shared.actor()];
    await shared.import(importer, bytes, 'old');
    const lease = await shared.begin();
    const pinning = importer.db.pauseAfter({ statement: 'select chunks' });
    const writing = shared.write(importer, lease, bytes);
    await pinning.reached(writing);
    const damaging = damage(shared, finder);
    await finder.db.endedOrBlocked(damaging);
    pinning.release();
    await damaging;
    const sealed = await writing.then((written) => shared.seal(importer, lease, written, 'new')).catch(() => undefined);
    const volume = sealed ?? (await shared.seal(importer, lease, await shared.write(importer, lease, bytes), 'new'));
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  test('what is healed elsewhere stays for those who pinned the damaged copy', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, healer] = [await shared.actor({ hasty: true }), await shared.actor()];
    await shared.import(healer, bytes, 'old');
    const lease = await shared.begin();
    const { guest, pause } = createPausedGuest(bytes, 4 * mib);
    const writing = shared.write(importer, lease, guest);
    await pause.reached(writing);
    await shared.checkpoint(lease);
    await damage(shared, await shared.actor());
    const healing = await shared.begin();
    await shared.write(healer, healing, bytes);
    await shared.drop('old');
    await shared.cancel(healing);

    // Guard: VolumeWriter#commitPack pins the new pack for whoever has pinned the damaged one.
    await shared.collect(healer);
    pause.release();
    const volume = await shared.seal(importer, lease, await writing, 'new');
    await shared.collect(healer);
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });
});
