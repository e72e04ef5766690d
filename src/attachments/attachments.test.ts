import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { addDisk } from '../../test/fixtures/disk-fixture.ts';
import { insertFolder } from '../../test/fixtures/image-fixture.ts';
import { enterTestNode } from '../../test/fixtures/node-fixture.ts';
import { createAttachment } from './create-attachment.ts';
import { attachedDisks } from './disk-users.ts';
import { forgetExpired } from './forget-expired.ts';

const subject = { subjectId: 'someone' };

eachDatabase(({ open }) => {
  test('what was not used in time is taken away, with its hold on its content, and all else stays', async (t) => {
    const db = await open(t);
    await insertFolder(db);
    const node = await enterTestNode(db);
    const disk = await addDisk(db, { sizeBytes: 1024 * 1024, base: undefined });
    const resource = { kind: 'disk', id: disk.id } as const;
    const start = Date.now();
    for (let made = 0; made < 250; made += 1) {
      await createAttachment(node, { resource, mode: 'read-only', ttlMs: 1000 }, subject);
    }
    const kept = await createAttachment(node, { resource, mode: 'read-write', ttlMs: 3_600_000 }, subject);
    assert.equal(await forgetExpired({ db, now: () => start }), 0);
    assert.equal(await forgetExpired({ db, now: () => Date.now() + 1000 }), 250);
    const rows = await db.read.selectFrom('attachments').select('id').execute();
    assert.deepEqual(rows, [{ id: kept.attachment.id }]);
    assert.equal(await attachedDisks.findUser(db.read, disk.id), kept.attachment.id);
    await assert.rejects(createAttachment(node, { resource, mode: 'read-write', ttlMs: 1000 }, subject), {
      code: 'FAILED_PRECONDITION',
    });
    assert.equal(await forgetExpired({ db, now: () => Date.now() + 3_600_000 }), 1);
    assert.equal(await attachedDisks.findUser(db.read, disk.id), undefined);
  });
});
