import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuarantinedMeanwhile } from '../../src/volumes/quarantine.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { createPausedGuest, SharedStore } from '../fixtures/store-actors.ts';

/** Stored bytes turn out to be damaged while an import refers to them. */

const mib = 1024 * 1024;
const bytes = noise(8 * mib, 1);

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
    await shared.damage(await shared.actor());
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
    await shared.damage(await shared.actor());

    // Guard: commitVolume looks for damage that was found since the packs were pinned.
    await assert.rejects(shared.seal(importer, lease, written, 'new'), QuarantinedMeanwhile);
    const volume = await shared.seal(importer, lease, await shared.write(importer, lease, bytes), 'new');
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  test('damage in a pack keeps nobody from using the rest of it', async () => {
    await using shared = await SharedStore.create(create);
    const importer = await shared.actor();
    await shared.import(importer, bytes, 'old');
    await shared.damage(await shared.actor());
    // Its chunks are in the damaged pack, too, but none of them is damaged.
    const other = bytes.subarray(4 * mib);
    const lease = await shared.begin();
    const volume = await shared.seal(importer, lease, await shared.write(importer, lease, other), 'new');
    assert.deepEqual(await shared.read(importer, volume.id), other);
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
    await shared.damage(await shared.actor());
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
