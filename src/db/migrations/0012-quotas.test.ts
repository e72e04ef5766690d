import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../../test/fixtures/databases.ts';
import { makeDisk, makeSnapshot } from '../../../test/fixtures/disk-fixture.ts';
import { makeImage, openImageDatabase } from '../../../test/fixtures/image-fixture.ts';
import { insertDisk } from '../../disks/disk-rows.ts';
import { insertImage } from '../../images/image-rows.ts';
import { findMiscounted, findQuotas } from '../../quotas/quota-rows.ts';
import { insertSnapshot } from '../../snapshots/snapshot-rows.ts';
import { createQuotas } from './0012-quotas.ts';
import { countTenancy } from './0016-tenancy-quotas.ts';

eachDatabase(({ open }) => {
  test('counts what an earlier version left', async (t) => {
    const db = await openImageDatabase(t, open);
    await db.transact(async (tx) => {
      const tables = ['images', 'disks', 'snapshots', 'operations'];
      for (const table of [...tables, 'folders', 'service_accounts', 'service_account_keys', 'attachments']) {
        for (const event of tables.includes(table) ? ['insert', 'update', 'delete'] : ['insert', 'delete']) {
          const name = `${table}_count_${event}`;
          await sql.raw(db.dialect === 'sqlite' ? `drop trigger ${name}` : `drop function ${name} cascade`).execute(tx);
        }
      }
      for (const table of ['quota_defaults', 'quota_limits', 'quota_usage']) await tx.schema.dropTable(table).execute();
      await insertImage(tx, makeImage({ storageSizeBytes: 3 }));
      await insertDisk(tx, makeDisk({ sizeBytes: 4096, typeId: 'network-ssd' }));
      await insertDisk(tx, makeDisk({ sizeBytes: 4096, typeId: 'network-ssd' }));
      await insertSnapshot(tx, makeSnapshot({ storageSizeBytes: 5 }));
      await createQuotas(tx, db.dialect);
      await countTenancy(tx, db.dialect);
    });
    const used = (await findQuotas(db.read, 'cloud')).map((quota) => [quota.name, quota.used]);
    assert.deepEqual(
      used.filter(([, amount]) => amount !== 0),
      [
        ['compute.images.count', 1],
        ['compute.images.size', 3],
        ['compute.disks.count', 2],
        ['compute.ssdDisks.size', 8192],
        ['compute.snapshots.count', 1],
        ['compute.snapshots.size', 5],
        ['resource-manager.folders.count', 1],
      ],
    );
    assert.deepEqual(await findMiscounted(db.read), []);
  });
});
