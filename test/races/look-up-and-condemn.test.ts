import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { SharedStore } from '../fixtures/store-actors.ts';

/** An import refers to what is stored already, while a collection finds that nobody needs it any more. */

const bytes = noise(1024 * 1024, 1);

eachDatabase(({ create }) => {
  test('what is condemned between the look-up and the pin is stored again', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    await shared.import(collector, bytes, 'old');
    const lease = await shared.begin();
    const looked = importer.db.pauseAfter({ statement: 'select chunks', where: 'read' });
    const writing = shared.write(importer, lease, bytes);
    await looked.reached(writing);
    await shared.drop('old');
    await shared.collect(collector);
    assert.deepEqual(await shared.blobNames(), []);
    looked.release();

    // Guard: VolumeWriter#pin looks again in the transaction that pins. With the first look's answer the volume would
    // name chunks that are gone.
    const volume = await shared.seal(importer, lease, await writing, 'new');
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  // Guard of both below: transactions are as if one came after the other (serializable on PostgreSQL, one writer on
  // SQLite). Under `repeatable read` the pin and the condemnation are both committed in the second; in the first the
  // foreign key of pack_pins still tells, and has to go, too.
  test('what is being pinned is not condemned', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    await shared.import(collector, bytes, 'old');
    await shared.drop('old');
    const lease = await shared.begin();
    const foundLive = importer.db.pauseAfter({ statement: 'select packs' });
    const writing = shared.write(importer, lease, bytes);
    await foundLive.reached(writing);
    const collecting = shared.collect(collector);
    await collector.db.endedOrBlocked(collecting);
    foundLive.release();

    const volume = await shared.seal(importer, lease, await writing, 'new');
    await collecting;
    await shared.collect(collector);
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  test('what is being condemned is not pinned', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    await shared.import(collector, bytes, 'old');
    await shared.drop('old');
    const lease = await shared.begin();
    const foundUnneeded = collector.db.pauseAfter({ statement: 'select packs' });
    const collecting = shared.collect(collector);
    await foundUnneeded.reached(collecting);
    const writing = shared.write(importer, lease, bytes);
    await importer.db.endedOrBlocked(writing);
    foundUnneeded.release();

    const volume = await shared.seal(importer, lease, await writing, 'new');
    await collecting;
    await shared.collect(collector);
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });
});
