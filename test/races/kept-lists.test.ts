import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../src/operations/lease.ts';
import { checkStore } from '../../src/volumes/check-store.ts';
import { segmentBytes } from '../../src/volumes/manifest.ts';
import { openVolume } from '../../src/volumes/stored-device.ts';
import type { WrittenVolume } from '../../src/volumes/write-volume.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { createSparseGuest, guestOver } from '../fixtures/guest-over.ts';
import { type Actor, SharedStore } from '../fixtures/store-actors.ts';

/** A volume is sealed over whole lists of an old one, which nothing holds any more and a collection takes at that moment. */

const bytes = noise(1024 * 1024, 1);

/** Written, and to be sealed: an old volume that nothing holds any more, grown by a segment of zeros. Its one list is taken over. */
async function writeOver(shared: SharedStore, actor: Actor, lease: Lease): Promise<WrittenVolume> {
  const { id } = await shared.import(actor, bytes, 'old');
  await using device = await openVolume(actor.store, id);
  const guest = createSparseGuest(2 * segmentBytes, new Map([[0, bytes]]));
  const written = await shared.write(actor, lease, guestOver(guest, device, []).reader);
  await shared.drop('old');
  return written;
}

async function assertNothingIsLost(shared: SharedStore, actor: Actor): Promise<void> {
  await shared.collect(actor);
  assert.deepEqual(await Array.fromAsync(checkStore(actor.store)), []);
}

eachDatabase(({ create }) => {
  test('a seal that found the old volume there is undone when that goes before it is committed, or was first', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    const lease = await shared.begin();
    const written = await writeOver(shared, importer, lease);
    const found = importer.db.pauseAfter({ statement: 'select volumes' });
    const sealing = shared.seal(importer, lease, written, 'new');
    await found.reached(sealing);
    const collecting = shared.collect(collector);
    const collected = await collector.db.endedOrBlocked(collecting);
    found.release();

    // Guard: KeptSegments.assertKept reads the old volume in the transaction that seals the new one.
    if (collected === 'ended') await assert.rejects(sealing, /was let go while it was stored over/);
    else assert.equal((await sealing).sizeBytes, 2 * segmentBytes);
    assert.equal(collected, shared.db.dialect === 'postgres' ? 'ended' : 'blocked');
    await collecting;
    await assertNothingIsLost(shared, collector);
  });

  test('a seal over an old volume that is being deleted loses nothing, whoever is first', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    const lease = await shared.begin();
    const written = await writeOver(shared, importer, lease);
    const deleted = collector.db.pauseAfter({ statement: 'delete volumes' });
    const collecting = shared.collect(collector);
    await deleted.reached(collecting);
    const sealing = shared.seal(importer, lease, written, 'new').then(
      () => 'sealed',
      (error: unknown) => error,
    );
    await importer.db.endedOrBlocked(sealing);
    deleted.release();

    await collecting;
    const outcome = await sealing;
    if (outcome !== 'sealed') assert.match(String(outcome), /was let go while it was stored over/);
    await assertNothingIsLost(shared, collector);
  });
});
