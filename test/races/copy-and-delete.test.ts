import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/db/database.ts';
import { createImage } from '../../src/images/create-image.ts';
import { deleteImage } from '../../src/images/delete-image.ts';
import { findImage, insertImage } from '../../src/images/image-rows.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { caller, createRequest, folderId, insertFolder, makeImage } from '../fixtures/image-fixture.ts';
import { type Actor, SharedStore } from '../fixtures/store-actors.ts';
import { untouchedContents as contents } from '../fixtures/untouched-disks.ts';

/** An image is copied and deleted at once, and a collection is quick to take what the deletion leaves. */

const bytes = noise(1024 * 1024, 1);
const runner = { wake() {}, abort() {} };
const imageId = 'fd8source00000000000';

const copy = ({ db }: Actor) =>
  createImage(
    { db, runner, contents, checkUri: () => undefined },
    createRequest({ source: { kind: 'image', imageId } }),
    caller,
  );
const remove = ({ db }: Actor) => deleteImage({ db, kinds: new Map(), runner }, { imageId }, caller);

/** The folder, and one image in it with real content. */
async function insertSource(shared: SharedStore, actor: Actor): Promise<void> {
  await insertFolder(shared.db);
  const volume = await shared.import(actor, bytes, imageId);
  await shared.db.transact((tx) => insertImage(tx, makeImage({ id: imageId, folderId, volumeId: volume.id })));
}

async function readImage(shared: SharedStore, actor: Actor, db: Database, id: string): Promise<Buffer> {
  const image = await findImage(db.read, id);
  assert.ok(image?.volumeId !== undefined);
  return shared.read(actor, image.volumeId);
}

eachDatabase(({ create }) => {
  for (const statement of ['update images', 'insert images'] as const) {
    test(`a copy that was first has its content, whatever becomes of the source (after ${statement})`, async () => {
      await using shared = await SharedStore.create(create);
      const [copier, deleter] = [await shared.actor(), await shared.actor()];
      await insertSource(shared, copier);
      const held = copier.db.pauseAfter({ statement });
      const copying = copy(copier);
      await held.reached(copying);
      const removing = remove(deleter);
      // Guard: the copy holds the source's row (lockImage), or the deletion is committed here.
      assert.equal(await deleter.db.endedOrBlocked(removing), 'blocked');
      held.release();
      const { resourceId } = await copying;
      await removing;
      await shared.collect(deleter);
      assert.deepEqual(await readImage(shared, copier, shared.db, resourceId), bytes);
    });
  }

  test('a copy that came second is refused, and a collection takes everything', async () => {
    await using shared = await SharedStore.create(create);
    const [copier, deleter] = [await shared.actor(), await shared.actor()];
    await insertSource(shared, copier);
    const deleted = deleter.db.pauseAfter({ statement: 'delete volume_references' });
    const removing = remove(deleter);
    await deleted.reached(removing);
    const copying = copy(copier);
    await copier.db.endedOrBlocked(copying);
    deleted.release();

    // Guard: the same. The copy waits for the deletion, and then finds no source.
    await assert.rejects(copying, { reason: 'SOURCE_NOT_FOUND' });
    await removing;
    await shared.collect(deleter);
    assert.equal(await shared.count('volumes'), 0);
    assert.deepEqual(await shared.blobNames(), []);
  });

  test('a volume that is copied while a collection looks for unneeded ones stays', async () => {
    await using shared = await SharedStore.create(create);
    const [copier, collector] = [await shared.actor(), await shared.actor()];
    await insertSource(shared, copier);
    const copied = copier.db.pauseAfter({ statement: 'insert images' });
    const copying = copy(copier);
    await copied.reached(copying);
    const collecting = shared.collect(collector);
    await collector.db.endedOrBlocked(collecting);
    copied.release();
    const { resourceId } = await copying;
    await collecting;
    await remove(collector);
    await shared.collect(collector);
    assert.deepEqual(await readImage(shared, copier, shared.db, resourceId), bytes);
  });
});
