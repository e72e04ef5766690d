import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { insertFolder } from '../../test/fixtures/image-fixture.ts';
import { enterTestNode, testNodeId } from '../../test/fixtures/node-fixture.ts';
import { openTestStore } from '../../test/fixtures/store.ts';
import { overlayPlace } from '../../test/fixtures/test-overlay.ts';
import { OverlayFailed } from '../overlays/overlay-failed.ts';
import { ReadCache } from '../volumes/read-cache.ts';
import { AttachedExports } from './attached-exports.ts';
import { createAttachment } from './create-attachment.ts';
import { deleteAttachment } from './delete-attachment.ts';
import { createPlacedExports } from './placed-exports.ts';

const mib = 1024 * 1024;

/** A disk to attach. `failsAtEnd` decides whether giving it back says that what was written is not durable. */
async function openPlace(t: TestContext, failsAtEnd = false) {
  const opened = new AsyncDisposableStack();
  t.after(() => opened.disposeAsync());
  const { store } = opened.use(await openTestStore());
  await insertFolder(store.db);
  const disk = await addDisk(store.db, { sizeBytes: mib, base: undefined });
  const device = opened.use(await opened.use(await overlayPlace(mib)).open());
  const count = { inUse: 0 };
  const disks = {
    async use() {
      await setImmediate();
      count.inUse += 1;
      return {
        device,
        async [Symbol.asyncDispose]() {
          count.inUse -= 1;
          if (failsAtEnd) throw new OverlayFailed('EIO', 'fsync: of this test');
        },
      };
    },
  };
  const exports = new AttachedExports({ store, disks, cache: new ReadCache(), nodeId: testNodeId });
  const node = await enterTestNode(store.db);
  const attach = async () => {
    const { attachment, uri } = await createAttachment(
      node,
      { resource: { kind: 'disk', id: disk.id }, mode: undefined, ttlMs: undefined },
      { subjectId: 'someone' },
    );
    return { attachment, ticket: uri.slice('nbd://localhost/'.length) };
  };
  const calls = { ask: () => Promise.reject(new Error('there is no other node')) };
  const detach = (attachmentId: string) =>
    deleteAttachment(
      { db: store.db, exports: createPlacedExports({ nodeId: testNodeId, here: exports, calls }) },
      { attachmentId },
    );
  return { exports, attach, detach, count };
}

test('no connection outlives its attachment, whenever it comes', async (t) => {
  const { exports, attach, detach, count } = await openPlace(t);
  for (let turns = 0; turns < 24; turns += 1) {
    const { attachment, ticket } = await attach();
    if (turns % 2 === 0) await (await exports.find(ticket))?.[Symbol.asyncDispose](); // it lasts from now on
    const finding = [exports.find(ticket), exports.find(ticket)];
    for (let turn = 0; turn < turns / 2; turn += 1) await setImmediate();
    const detaching = Promise.all([detach(attachment.id), detach(attachment.id)]);
    for (const device of await Promise.all(finding)) {
      if (device !== undefined && !device.revoked.aborted) await once(device.revoked, 'abort');
      await device?.[Symbol.asyncDispose]();
    }
    await detaching;
    assert.equal(count.inUse, 0);
    assert.equal(await exports.find(ticket), undefined);
  }
});

test('who detaches is told when what was written may not be durable; the next time it is over', async (t) => {
  const { exports, attach, detach } = await openPlace(t, true);
  const { attachment, ticket } = await attach();
  const device = await exports.find(ticket);
  const detaching = detach(attachment.id);
  if (device !== undefined && !device.revoked.aborted) await once(device.revoked, 'abort');
  await assert.rejects(async () => await device?.[Symbol.asyncDispose](), /fsync/);
  await assert.rejects(detaching, /fsync/);
  await detach(attachment.id);
  assert.equal(await exports.find(ticket), undefined);
});
