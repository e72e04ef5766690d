import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { insertFolder } from '../../test/fixtures/image-fixture.ts';
import { enterTestNode } from '../../test/fixtures/node-fixture.ts';
import type { Database } from '../db/database.ts';
import { findDiskPlace, keepOverlay } from '../disks/disk-rows.ts';
import { deleteGoneNodes, enterNode, findNode, leaveNode, wasRemoved } from '../nodes/node-rows.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import { createAttachment } from './create-attachment.ts';
import { listNodes } from './list-nodes.ts';
import { removeAttachment } from './remove-attachment.ts';
import { removeNode } from './remove-node.ts';

/** Where devices are attached, and what becomes of it when a node goes. */

const subject = { subjectId: 'someone' };
const api = 'nod-api';

async function begin(db: Database) {
  await insertFolder(db);
  await db.transact((tx) => enterNode(tx, { id: api, roles: ['api'], startId: 'api' }));
  const deps = { db, nodeId: api };
  const attach = (diskId: string, mode: 'read-only' | 'read-write' = 'read-only') =>
    createAttachment(deps, { resource: { kind: 'disk', id: diskId }, mode, ttlMs: 60_000 }, subject);
  const newDisk = async () => (await addDisk(db, { sizeBytes: 1024 * 1024, base: undefined })).id;
  return { deps, attach, newDisk };
}

eachDatabase(({ open }) => {
  test('a disk gets its place when it is first attached, where the fewest are, and keeps it', async (t) => {
    const db = await open(t);
    const { attach, newDisk } = await begin(db);
    const first = await newDisk();
    await assert.rejects(attach(first), { code: 'UNAVAILABLE', message: /No node with disks is running/ });
    assert.deepEqual(await findDiskPlace(db.read, first), { nodeId: '', hasOverlay: false });
    await enterTestNode(db, 'nod-a');
    await enterTestNode(db, 'nod-b');
    const places: (string | undefined)[] = [];
    for (const diskId of [first, await newDisk(), await newDisk(), await newDisk()]) {
      await attach(diskId);
      places.push((await findDiskPlace(db.read, diskId))?.nodeId);
    }
    assert.deepEqual(places.toSorted(), ['nod-a', 'nod-a', 'nod-b', 'nod-b']);
    for (let more = 0; more < 3; more += 1) {
      assert.equal((await attach(first)).attachment.nodeId, places[0]);
    }
  });

  test('a disk moves from a node that is gone only as long as nothing was written to it', async (t) => {
    const db = await open(t);
    const { attach, newDisk } = await begin(db);
    const [blank, written] = [await newDisk(), await newDisk()];
    await enterTestNode(db, 'nod-a');
    const { attachment } = await attach(blank);
    await attach(written);
    assert.ok(await db.transact((tx) => keepOverlay(tx, written, 'nod-a')));
    await db.transact((tx) => leaveNode(tx, 'nod-a'));
    await enterTestNode(db, 'nod-b');
    await assert.rejects(attach(blank), { code: 'UNAVAILABLE' }, 'whoever has its address may write there yet');
    await db.transact((tx) => removeAttachment(tx, attachment.id));
    assert.equal((await attach(blank)).attachment.nodeId, 'nod-b');
    await assert.rejects(attach(written), { code: 'UNAVAILABLE', message: /obraz node remove nod-a/ });
    assert.equal(await db.transact((tx) => keepOverlay(tx, blank, 'nod-a')), false, 'it is another node’s now');
  });

  test('a node that is removed takes its attachments along, and leaves its disks and operations to others', async (t) => {
    const db = await open(t);
    const { deps, attach, newDisk } = await begin(db);
    const diskId = await newDisk();
    await enterTestNode(db, 'nod-a');
    await attach(diskId, 'read-write');
    await db.transact((tx) => keepOverlay(tx, diskId, 'nod-a'));
    const about = { kind: 'k', folderId: 'folder', resourceId: diskId, description: '', createdBy: 's', input: null };
    const { id } = await db.transact((tx) => insertOperation(tx, { ...about, nodeId: 'nod-a' }));
    assert.deepEqual(
      (await listNodes(deps)).map((node) => [node.id, node.diskCount, node.attachmentCount]),
      [
        ['nod-a', 1, 1],
        [api, 0, 0],
      ],
    );
    await assert.rejects(removeNode(deps, { nodeId: 'nod-a' }), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(removeNode(deps, { nodeId: api }), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(removeNode(deps, { nodeId: 'nod-x' }), { code: 'NOT_FOUND' });
    await db.transact((tx) => leaveNode(tx, 'nod-a'));
    assert.deepEqual(await removeNode(deps, { nodeId: 'nod-a' }), { diskIds: [diskId], attachmentCount: 1 });
    assert.deepEqual(await findDiskPlace(db.read, diskId), { nodeId: '', hasOverlay: false });
    const operation = db.read.selectFrom('operations').select('node_id').where('id', '=', id);
    assert.deepEqual(await operation.executeTakeFirst(), { node_id: '' });
    assert.equal(await findNode(db.read, 'nod-a'), undefined);
    assert.ok(await wasRemoved(db.read, 'nod-a'), 'it may come back');
    await assert.rejects(removeNode(deps, { nodeId: 'nod-a' }), { code: 'NOT_FOUND' });
    await enterTestNode(db, 'nod-a');
    assert.equal(await wasRemoved(db.read, 'nod-a'), false);
  });

  test('nodes that hold nothing are forgotten when they were long gone, others never', async (t) => {
    const db = await open(t);
    const { attach, newDisk } = await begin(db);
    await enterTestNode(db, 'nod-a');
    await attach(await newDisk());
    await db.transact(async (tx) => {
      await leaveNode(tx, 'nod-a');
      await deleteGoneNodes(tx, 1000);
      assert.ok((await findNode(tx, api)) !== undefined);
      await leaveNode(tx, api);
      await deleteGoneNodes(tx, 1000);
      assert.equal(await findNode(tx, api), undefined);
    });
    assert.ok((await findNode(db.read, 'nod-a')) !== undefined);
  });
});
