import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { createPausedGuest, SharedStore } from '../fixtures/store-actors.ts';

/** Two imports store the same chunks at once; the index keeps one copy of each, and the other import goes away. */

const mib = 1024 * 1024;

eachDatabase(({ create }) => {
  test('the copy of an import that is cancelled stays as long as another needs it', async () => {
    await using shared = await SharedStore.create(create);
    // The first stores chunks and nodes in different packs.
    const [first, second] = [await shared.actor({ hasty: true }), await shared.actor()];
    const bytes = noise(5 * mib, 1);
    const [leaseA, leaseB] = [await shared.begin(), await shared.begin()];
    const looked = second.db.pauseAfter({ statement: 'select chunks', where: 'read' });
    const writingB = shared.write(second, leaseB, bytes);
    await looked.reached(writingB);
    // The second knows nothing of what the first stores meanwhile, and stores it again: its copies lose.
    await shared.write(first, leaseA, bytes);
    looked.release();
    const writtenB = await writingB;
    const packsOfBoth = await shared.count('packs');
    const volume = await shared.seal(second, leaseB, writtenB, 'image');

    // Guard: VolumeWriter#commitSegment takes needs from the winners in the index; from the pack that it wrote itself,
    // the first one's pack is collected here.
    await shared.cancel(leaseA);
    await shared.collect(first);
    assert.deepEqual(await shared.read(first, volume.id), bytes);
    assert.ok((await shared.count('packs')) < packsOfBoth, 'and the copies that lost are gone');
    await shared.drop('image');
    await shared.collect(first);
    assert.deepEqual(await shared.blobNames(), []);
  });

  test('a copy that won is pinned before the segment that needs it is complete', async () => {
    await using shared = await SharedStore.create(create);
    const [first, second] = [await shared.actor(), await shared.actor({ hasty: true })];
    const bytes = noise(8 * mib, 2);
    const [leaseA, leaseB] = [await shared.begin(), await shared.begin()];
    const looked = second.db.pauseAfter({ statement: 'select chunks', where: 'read' });
    const { guest, pause } = createPausedGuest(bytes, 4 * mib);
    const writingB = shared.write(second, leaseB, guest);
    await looked.reached(writingB);
    await shared.write(first, leaseA, bytes);
    looked.release();
    await pause.reached(writingB);
    await shared.checkpoint(leaseB);

    // Guard: VolumeWriter#commitPack pins the packs of the winners; without that the chunks that the second has in its
    // checkpoint leave the index here, and it can't complete the segment.
    await shared.cancel(leaseA);
    await shared.collect(first);
    pause.release();
    const volume = await shared.seal(second, leaseB, await writingB, 'image');
    await shared.collect(first);
    assert.deepEqual(await shared.read(first, volume.id), bytes);
  });
});
