import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { SharedStore } from '../fixtures/store-actors.ts';

/** The same content is sealed twice at once, or sealed again while its old volume is being collected. */

/** Two stripes, so that a hasty actor stores chunks and nodes in different packs. */
const bytes = noise(5 * 1024 * 1024, 1);

eachDatabase(({ create }) => {
  test('two seals of the same content at once make one volume that both hold', async () => {
    await using shared = await SharedStore.create(create);
    const [one, two] = [await shared.actor(), await shared.actor()];
    const [leaseOne, leaseTwo] = [await shared.begin(), await shared.begin()];
    const writtenOne = await shared.write(one, leaseOne, bytes);
    const writtenTwo = await shared.write(two, leaseTwo, bytes);
    const inserted = one.db.pauseAfter({ statement: 'insert volumes' });
    const sealingOne = shared.seal(one, leaseOne, writtenOne, 'first');
    await inserted.reached(sealingOne);
    const sealingTwo = shared.seal(two, leaseTwo, writtenTwo, 'second');
    assert.equal(await two.db.endedOrBlocked(sealingTwo), 'blocked');
    inserted.release();

    // Guard: the unique root of `volumes`, and insertVolume taking the one that is there.
    const [first, second] = await Promise.all([sealingOne, sealingTwo]);
    assert.equal(second.id, first.id);
    assert.equal(await shared.count('volumes'), 1);
    await shared.drop('first');
    await shared.collect(one);
    assert.deepEqual(await shared.read(one, second.id), bytes);
    await shared.drop('second');
    await shared.collect(one);
    for (const table of ['packs', 'chunks', 'segment_packs', 'manifest_edges', 'volumes'] as const) {
      assert.equal(await shared.count(table), 0, table);
    }
  });

  // Two guards, either of which is enough for these: dropLooseNodes asks what holds a node in the transaction that drops it, and
  // insertSegmentPacks writes rows that are there already once more. (An insert that finds its row and does nothing is no read
  // to PostgreSQL, and of itself no conflict with who deletes the row at that moment.)
  test('content sealed again when nothing was found to hold its old tree keeps its tree', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    await shared.import(await shared.actor({ hasty: true }), bytes, 'old');
    await shared.drop('old');
    const lease = await shared.begin();
    const written = await shared.write(importer, lease, bytes);
    const found = collector.db.pauseAfter({ statement: 'select several tables' });
    const collecting = shared.collect(collector);
    await found.reached(collecting);
    const sealing = shared.seal(importer, lease, written, 'new');
    await importer.db.endedOrBlocked(sealing);
    found.release();

    const volume = await sealing;
    await collecting;
    await shared.collect(collector);
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  for (const [level, name] of ['root', 'lists'].entries()) {
    test(`content sealed again while its old tree is forgotten keeps its tree (at its ${name})`, async () => {
      await using shared = await SharedStore.create(create);
      const [importer, collector] = [await shared.actor(), await shared.actor()];
      await shared.import(await shared.actor({ hasty: true }), bytes, 'old');
      await shared.drop('old');
      const lease = await shared.begin();
      const written = await shared.write(importer, lease, bytes);
      const forgetting = collector.db.pauseAfter({ statement: 'delete segment_packs', time: level + 1 });
      const collecting = shared.collect(collector);
      await forgetting.reached(collecting);
      const sealing = shared.seal(importer, lease, written, 'new');
      await importer.db.endedOrBlocked(sealing);
      forgetting.release();

      const volume = await sealing;
      await collecting;
      await shared.collect(collector);
      assert.deepEqual(await shared.read(importer, volume.id), bytes);
    });
  }

  test('a segment written again while its old needs are forgotten keeps its packs', async () => {
    await using shared = await SharedStore.create(create);
    const [importer, collector] = [await shared.actor(), await shared.actor()];
    await shared.import(await shared.actor({ hasty: true }), bytes, 'old');
    await shared.drop('old');
    const lease = await shared.begin();
    const forgetting = collector.db.pauseAfter({ statement: 'delete segment_packs', time: 3 });
    const collecting = shared.collect(collector);
    await forgetting.reached(collecting);
    const writing = shared.write(importer, lease, bytes);
    await importer.db.endedOrBlocked(writing);
    forgetting.release();

    const volume = await shared.seal(importer, lease, await writing, 'new');
    await collecting;
    await shared.collect(collector);
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });
});
