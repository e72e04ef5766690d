import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { noise } from '../../test/fixtures/guest.ts';
import { folderId, insertFolder } from '../../test/fixtures/image-fixture.ts';
import { createMemoryGuest, openTestStore, storeGuestAs } from '../../test/fixtures/store.ts';
import { flipByte, livePacks, readVolume } from '../../test/fixtures/stored-volumes.ts';
import { untouchedContents } from '../../test/fixtures/untouched-disks.ts';
import { FairBudget } from '../lib/fair-budget.ts';
import type { OperationContext } from '../operations/kind.ts';
import { findVolume } from '../volumes/volume-rows.ts';
import type { FrozenContent } from './frozen-content.ts';
import { commitDiskContent, storeDiskContent } from './store-disk-content.ts';

const mib = 1024 * 1024;
const bytes = noise(2 * mib + 8192, 5);

/** A store with a base of a little over 2 MiB, and what an operation on it is given. */
async function openBase(t: TestContext) {
  const testStore = await openTestStore();
  t.after(() => testStore[Symbol.asyncDispose]());
  const { store } = testStore;
  await insertFolder(store.db);
  const base = await storeGuestAs(testStore, 'snapshot', createMemoryGuest(bytes));
  const deps = { store, contents: untouchedContents, memory: new FairBudget(256 * mib) };
  const operation = { id: 'op', kind: 'test', folderId, resourceId: 'snapshot', input: null, checkpoint: undefined };
  const lease = { operationId: 'op', epoch: 1 };
  const signal = new AbortController().signal;
  const context: OperationContext = { operation, lease, signal, timesGivenWay: 0, report() {} };
  const content: FrozenContent = {
    diskId: 'disk',
    sizeBytes: 6 * mib,
    volumeId: base.id,
    frozenId: undefined,
    nodeId: '',
  };
  return { testStore, deps, context, content };
}

test('a disk larger than its base is stored with zeros behind; the hold on the base ends', async (t) => {
  const { testStore, deps, context, content } = await openBase(t);
  let passed = 0;
  const written = await storeDiskContent(deps, context, content, (guestBytes) => {
    passed += guestBytes;
  });
  assert.equal(passed, 6 * mib);
  const { db } = deps.store;
  const { volumeId, sizeBytes, storedBytes } = await db.transact((tx) => commitDiskContent(tx, written, 'snapshot'));
  assert.equal(sizeBytes, 6 * mib);
  assert.equal((await findVolume(db.read, volumeId))?.storedBytes, storedBytes);
  const wanted = Buffer.alloc(6 * mib);
  wanted.set(bytes);
  const direct = await storeGuestAs(testStore, 'direct', createMemoryGuest(wanted));
  assert.equal(direct.id, volumeId, 'it is what an import of the same bytes would be');
  assert.ok(wanted.equals(await readVolume(testStore, volumeId)));
  const holders = await db.read.selectFrom('volume_references').select('holder_id').execute();
  assert.deepEqual(holders, [{ holder_id: 'direct' }]);
});

test('content that the base has lost is DATA_LOSS, and names the disk', async (t) => {
  const { testStore, deps, context, content } = await openBase(t);
  const [pack] = await livePacks(testStore);
  assert.ok(pack !== undefined);
  await flipByte(testStore, pack.id, 100_000);
  // A reader has found it: what nobody has read is shared as it is, and found by whoever reads it.
  await assert.rejects(readVolume(testStore, content.volumeId ?? ''));
  await assert.rejects(
    storeDiskContent(deps, context, content, () => {}),
    {
      code: 'DATA_LOSS',
      message: /^Stored bytes of disk "disk" are damaged or lost\./,
    },
  );
});
