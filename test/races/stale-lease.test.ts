import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { LeaseLost } from '../../src/operations/lease.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { NobodyCame } from '../fixtures/paused-database.ts';
import { SharedStore } from '../fixtures/store-actors.ts';

/** A worker is taken over, and wakes up again at the worst moment. */

const mib = 1024 * 1024;

/** Everything that an operation's work writes. */
async function dump({ read }: Database): Promise<unknown> {
  return {
    packs: await read.selectFrom('packs').selectAll().orderBy('id').execute(),
    chunks: await read.selectFrom('chunks').selectAll().orderBy('kind').orderBy('id').execute(),
    pins: await read.selectFrom('pack_pins').selectAll().orderBy('operation_id').orderBy('pack_id').execute(),
    needs: await read.selectFrom('segment_packs').selectAll().orderBy('node_id').orderBy('pack_id').execute(),
    segments: await read.selectFrom('import_segments').selectAll().orderBy('segment_index').execute(),
    volumes: await read.selectFrom('volumes').selectAll().orderBy('id').execute(),
    operations: await read.selectFrom('operations').selectAll().orderBy('id').execute(),
  };
}

eachDatabase(({ create }) => {
  // Guard: `leases.assertHeld` at the beginning of every transaction of an operation's work. Where it is left out of
  // one of them, that transaction changes something here.
  for (const [content, makeBytes] of [
    ['new', (seed: number) => noise(2 * mib, seed)],
    ['known', () => noise(2 * mib, 0)],
  ] as const) {
    test(`whichever transaction it was at, it commits nothing (${content} content)`, async () => {
      await using shared = await SharedStore.create(create);
      await shared.import(await shared.actor(), noise(2 * mib, 0), 'known');
      let points = 0;
      for (let isThere = true; isThere; points += 1) {
        const bytes = makeBytes(points + 1);
        const [stale, successor] = [await shared.actor(), await shared.actor()];
        const lease = await shared.begin();
        const before = stale.db.pauseBeforeTransaction(points + 1);
        const work = shared.write(stale, lease, bytes).then((written) => shared.seal(stale, lease, written, 'stale'));
        isThere = await before.reached(work).then(
          () => true,
          (error: unknown) => {
            if (error instanceof NobodyCame) return false;
            throw error;
          },
        );
        if (!isThere) break;
        const newLease = await shared.takeOver(lease);
        const holder = `image-${points}`;
        const volume = await shared.seal(successor, newLease, await shared.write(successor, newLease, bytes), holder);
        const left = await dump(shared.db);
        before.release();

        await assert.rejects(work, LeaseLost);
        assert.deepEqual(await dump(shared.db), left, `transaction ${points + 1}`);
        await shared.collect(successor);
        assert.deepEqual(await shared.read(successor, volume.id), bytes);
      }
      // What is found damaged, the pack's row or the pins, the checkpoint, the seal.
      assert.ok(points >= 4, `${points} transactions`);
      assert.equal((await shared.blobNames()).length, await shared.count('packs'));
    });
  }

  test('it drops nothing of its successor’s over damage that was found', async () => {
    await using shared = await SharedStore.create(create);
    const [stale, successor] = [await shared.actor(), await shared.actor()];
    const lease = await shared.begin();
    await shared.write(stale, lease, noise(mib, 1));
    const before = stale.db.pauseBeforeTransaction(1);
    const again = shared.write(stale, lease, noise(mib, 1));
    await before.reached(again);
    const newLease = await shared.takeOver(lease);
    await shared.write(successor, newLease, noise(mib, 1));
    await shared.damage(successor);
    const left = await dump(shared.db);
    before.release();

    // Guard: the check in dropQuarantinedSegments.
    await assert.rejects(again, LeaseLost);
    assert.deepEqual(await dump(shared.db), left);
  });

  test('a cancel in the middle of a commit waits for it, and then takes everything away', async () => {
    await using shared = await SharedStore.create(create);
    const [worker, collector, canceller] = [await shared.actor(), await shared.actor(), await shared.actor()];
    const lease = await shared.begin();
    const committing = worker.db.pauseAfter({ statement: 'insert chunks' });
    const writing = shared.write(worker, lease, noise(mib, 1));
    await committing.reached(writing);
    const cancelling = shared.cancel(lease, canceller.db);
    // Guard: the check holds the operation's row until its transaction ends (an update, not a select).
    assert.equal(await canceller.db.endedOrBlocked(cancelling), 'blocked');
    committing.release();
    await cancelling;
    await writing.catch(() => {});
    await shared.collect(collector);
    assert.equal(await shared.count('packs'), 0);
    assert.deepEqual(await shared.blobNames(), []);
  });
});
