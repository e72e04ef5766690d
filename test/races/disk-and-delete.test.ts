import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDisk } from '../../src/disks/create-disk.ts';
import { deleteDisk } from '../../src/disks/delete-disk.ts';
import { getDisk } from '../../src/disks/get-disk.ts';
import { deleteImage } from '../../src/images/delete-image.ts';
import { insertImage } from '../../src/images/image-rows.ts';
import { lockImageSource } from '../../src/images/image-source.ts';
import { createSnapshot } from '../../src/snapshots/create-snapshot.ts';
import { getSnapshot } from '../../src/snapshots/get-snapshot.ts';
import { lockSnapshotSource } from '../../src/snapshots/snapshot-rows.ts';
import { hexOf } from '../../src/volumes/chunk-id.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { addDisk, catalog, createDiskRequest } from '../fixtures/disk-fixture.ts';
import { noise } from '../fixtures/guest.ts';
import { caller, folderId, insertFolder, makeImage } from '../fixtures/image-fixture.ts';
import { type Actor, SharedStore } from '../fixtures/store-actors.ts';
import { noDiskUsers, untouchedContents } from '../fixtures/untouched-disks.ts';

/** Something is made of an image or a disk that is deleted at once, and a collection is quick to take what that leaves. */

const sizeBytes = 1024 * 1024;
const bytes = noise(sizeBytes, 2);
const runner = { wake() {}, abort() {} };
const sourceId = 'fd8source00000000000';

interface Case {
  readonly what: string;
  readonly statements: readonly ('update images' | 'insert disks' | 'update disks' | 'insert snapshots')[];
  make(actor: Actor): Promise<{ readonly resourceId: string }>;
  remove(actor: Actor): Promise<unknown>;
  volumeOf(actor: Actor, id: string): Promise<string | undefined>;
}

const cases: readonly Case[] = [
  {
    what: 'a disk of an image',
    statements: ['update images', 'insert disks'],
    make({ db }) {
      const sources = { image: lockImageSource, snapshot: lockSnapshotSource };
      const source = { kind: 'image', id: sourceId } as const;
      return createDisk({ db, catalog, sources }, createDiskRequest({ source, sizeBytes }), caller);
    },
    remove: ({ db }) => deleteImage({ db, kinds: new Map(), runner }, { imageId: sourceId }, caller),
    volumeOf: async ({ db }, diskId) => (await getDisk({ db }, { diskId })).base?.volumeId,
  },
  {
    what: 'a snapshot of a disk',
    statements: ['update disks', 'insert snapshots'],
    make({ db }) {
      const nothing = { name: '', description: '', labels: {}, hardwareGeneration: undefined };
      const request = { folderId, diskId: sourceId, ...nothing };
      return createSnapshot({ db, contents: untouchedContents, runner }, request, caller);
    },
    remove: ({ db }) =>
      deleteDisk({ db, users: noDiskUsers, contents: untouchedContents }, { diskId: sourceId }, caller),
    volumeOf: async ({ db }, snapshotId) => (await getSnapshot({ db }, { snapshotId })).volume?.volumeId,
  },
];

/** The folder, and in it the source of the case, with real content. */
async function insertSource(shared: SharedStore, actor: Actor, { what }: Case): Promise<void> {
  await insertFolder(shared.db);
  const isDisk = what === 'a snapshot of a disk';
  const volume = await shared.import(actor, bytes, isDisk ? 'import' : sourceId);
  const content = { volumeId: volume.id, sizeBytes, guestDigest: hexOf(volume.guestDigest) };
  if (isDisk) {
    await addDisk(shared.db, { id: sourceId, sizeBytes, base: content });
    // From here on the disk alone holds it.
    await shared.db.transact((tx) => tx.deleteFrom('volume_references').where('holder_id', '=', 'import').execute());
  } else {
    const image = makeImage({ id: sourceId, minDiskSizeBytes: sizeBytes, ...content });
    await shared.db.transact((tx) => insertImage(tx, image));
  }
}

eachDatabase(({ create }) => {
  for (const tried of cases) {
    for (const statement of tried.statements) {
      test(`${tried.what} that was first has its content, whatever becomes of that (after ${statement})`, async () => {
        await using shared = await SharedStore.create(create);
        const [maker, deleter] = [await shared.actor(), await shared.actor()];
        await insertSource(shared, maker, tried);
        const held = maker.db.pauseAfter({ statement });
        const making = tried.make(maker);
        await held.reached(making);
        const removing = tried.remove(deleter);
        // Guard: what is made holds the source's row, or the deletion is committed here.
        assert.equal(await deleter.db.endedOrBlocked(removing), 'blocked');
        held.release();
        const { resourceId } = await making;
        await removing;
        await shared.collect(deleter);
        const volumeId = await tried.volumeOf(maker, resourceId);
        assert.ok(volumeId !== undefined);
        assert.deepEqual(await shared.read(maker, volumeId), bytes);
      });
    }

    test(`${tried.what} that came second is refused, and a collection takes everything`, async () => {
      await using shared = await SharedStore.create(create);
      const [maker, deleter] = [await shared.actor(), await shared.actor()];
      await insertSource(shared, maker, tried);
      const deleted = deleter.db.pauseAfter({ statement: 'delete volume_references' });
      const removing = tried.remove(deleter);
      await deleted.reached(removing);
      const making = tried.make(maker);
      await maker.db.endedOrBlocked(making);
      deleted.release();
      await assert.rejects(making, { reason: 'SOURCE_NOT_FOUND' });
      await removing;
      await shared.collect(deleter);
      assert.equal(await shared.count('volumes'), 0);
      assert.deepEqual(await shared.blobNames(), []);
    });
  }
});
