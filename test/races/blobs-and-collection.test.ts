import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobStore, BlobWriter } from '../../src/blobs/blob-store.ts';
import { LeaseLost } from '../../src/operations/lease.ts';
import { sweepOrphanBlobs } from '../../src/volumes/collect-garbage.ts';
import { eachDatabase } from '../fixtures/databases.ts';
import { noise } from '../fixtures/guest.ts';
import { createPause } from '../fixtures/paused-database.ts';
import { SharedStore } from '../fixtures/store-actors.ts';

/** A pack's file appears, while a collection or a sweep looks for files and rows to remove. */

const bytes = noise(1024 * 1024, 1);

/** Blobs whose writers call that before they do the same. */
function interceptBlobs(blobs: BlobStore, before: { create?(): Promise<void>; seal?(): Promise<void> }): BlobStore {
  const wrapWriter = (writer: BlobWriter): BlobWriter => ({
    get sizeBytes() {
      return writer.sizeBytes;
    },
    append: (pieces) => writer.append(pieces),
    async seal() {
      await before.seal?.();
      await writer.seal();
    },
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  });
  return {
    async create(name) {
      await before.create?.();
      return wrapWriter(await blobs.create(name));
    },
    read: (...range) => blobs.read(...range),
    stat: (name) => blobs.stat(name),
    list: () => blobs.list(),
    listUnsealed: () => blobs.listUnsealed(),
    delete: (name) => blobs.delete(name),
    [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
  };
}

eachDatabase(({ create }) => {
  test('a pack that becomes live while a collection looks at it stays', async () => {
    await using shared = await SharedStore.create(create);
    const collector = await shared.actor();
    const { pause: sealing, stop } = createPause('the seal of the pack');
    const importer = await shared.actor({ wrapBlobs: (blobs) => interceptBlobs(blobs, { seal: stop }) });
    const lease = await shared.begin();
    const writing = shared.write(importer, lease, bytes);
    await sealing.reached(writing);
    const listed = collector.db.pauseAfter({ statement: 'select packs', where: 'read' });
    const collecting = shared.collect(collector);
    await listed.reached(collecting);
    // The collector has seen the pack as `writing`; when it goes on, the operation is over.
    sealing.release();
    const volume = await shared.seal(importer, lease, await writing, 'image');
    listed.release();
    await collecting;

    // Guard: collect-garbage.ts looks at the pack's state again once it knows that the lease is lost. Going by its first
    // look it deletes the bytes of a sealed volume here.
    assert.deepEqual(await shared.read(importer, volume.id), bytes);
  });

  for (const [place, intercept] of [
    ['before its first byte', (stop: () => Promise<void>) => ({ create: stop })],
    ['before it is durable', (stop: () => Promise<void>) => ({ seal: stop })],
  ] as const) {
    test(`a worker that is taken over ${place} leaves nothing behind, and its successor loses nothing`, async () => {
      await using shared = await SharedStore.create(create);
      const successor = await shared.actor();
      const { pause, stop } = createPause(place);
      const stale = await shared.actor({ wrapBlobs: (blobs) => interceptBlobs(blobs, intercept(stop)) });
      const lease = await shared.begin();
      const writing = shared.write(stale, lease, bytes);
      await pause.reached(writing);
      const newLease = await shared.takeOver(lease);
      await shared.collect(successor);
      assert.equal(await shared.count('packs'), 0);
      pause.release();

      // Guard: after a refused commit VolumeWriter#commit deletes the blob that nobody will look for any more.
      await assert.rejects(writing, (error) => error instanceof LeaseLost || place === 'before it is durable');
      assert.deepEqual(await shared.blobNames(), []);
      const written = await shared.write(successor, newLease, bytes);
      await shared.collect(successor);
      const volume = await shared.seal(successor, newLease, written, 'image');
      await shared.collect(successor);
      assert.deepEqual(await shared.read(successor, volume.id), bytes);
      assert.equal((await shared.blobNames()).length, await shared.count('packs'));
    });
  }

  test('a sweep at any moment takes nothing of an import', async () => {
    await using shared = await SharedStore.create(create);
    const sweeper = await shared.actor();
    let sweeps = 0;
    const sweep = async () => {
      assert.equal(await sweepOrphanBlobs(sweeper.store), 0);
      sweeps += 1;
    };
    // Guard: the pack's row is committed before the blob is made (VolumeWriter#openPack).
    const wrapBlobs = (blobs: BlobStore): BlobStore => ({
      ...interceptBlobs(blobs, { create: sweep, seal: sweep }),
      // Read back first when the blob has its name and its row says `writing`.
      async read(...range) {
        await sweep();
        return blobs.read(...range);
      },
    });
    const importer = await shared.actor({ wrapBlobs });
    const volume = await shared.import(importer, bytes, 'image');
    assert.ok(sweeps >= 3);
    assert.deepEqual(await shared.read(sweeper, volume.id), bytes);
  });
});
