import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { claimNext } from './claim-operations.ts';
import { insertOperation } from './insert-operation.ts';
import { LeaseWatch } from './lease-watch.ts';
import { updateRow } from './operation-rows.ts';

const about = { kind: 'test.work', folderId: 'f', resourceId: 'r', description: 'Work', createdBy: 's', input: 0 };
const kinds = [about.kind];

eachDatabase(({ open }) => {
  test('a lease that is not renewed for its length is over, if it still is as it was seen', async (t) => {
    const db = await open(t);
    let now = 0;
    const watch = new LeaseWatch({ leaseMs: 30, now: () => now });
    const query = { kinds, except: [], ownerId: 'two' };
    const { id } = await db.transact((tx) => insertOperation(tx, about));
    assert.ok(await claimNext(db, { ...query, unrenewed: [], ownerId: 'one' }));
    const renew = (renewals: number) => db.transact((tx) => updateRow(tx, id, { lease_renewals: renewals }));
    const look = async (at: number) => {
      now = at;
      await watch.look(db.read, kinds);
      return watch.unrenewed;
    };
    assert.deepEqual(await look(0), []);
    assert.deepEqual(await look(20), []);
    await renew(1);
    assert.deepEqual(await look(40), []);
    assert.deepEqual(await look(70), [{ operationId: id, epoch: 1, renewals: 1 }]);
    const tooLate = watch.unrenewed;
    await renew(2);
    assert.equal(await claimNext(db, { ...query, unrenewed: tooLate }), undefined);
    await look(100);
    const claimed = await claimNext(db, { ...query, unrenewed: await look(130) });
    assert.deepEqual([claimed?.lease_owner, claimed?.lease_epoch], ['two', 2]);
  });
});
