import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { catalog, createDiskRequest } from '../../test/fixtures/disk-fixture.ts';
import { caller, folderId, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import type { RecordedWork } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { createDisk } from '../disks/create-disk.ts';
import { lockImageSource } from '../images/image-source.ts';
import { cancelOperation } from '../operations/cancel-operation.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import { lockSnapshotSource } from '../snapshots/snapshot-rows.ts';
import type { NewAuditRecord } from './audit-record.ts';
import { insertAuditRecords } from './audit-rows.ts';
import { forgetAudit } from './forget-audit.ts';
import { type ListAuditRecords, listAuditRecords } from './list-audit-records.ts';
import { recordChange, recordMadeChange } from './record-change.ts';
import { Refusals } from './refusals.ts';

const everything: ListAuditRecords = {
  since: undefined,
  until: undefined,
  subjectId: '',
  method: '',
  resourceId: '',
  folderId: '',
  cloudId: '',
  pageSize: 0,
  pageToken: '',
};

const call = {
  ...{ subjectId: 'aje1', method: 'Some/Create', requestId: 'request-1', peer: '10.0.0.1:5', userAgent: 'test' },
  ...{ resourceId: '', folderId, cloudId: '' },
};

function someRecord(changes: Partial<NewAuditRecord> = {}): NewAuditRecord {
  return { ...call, kind: 'change', at: new Date(1_000), code: 'OK', operationId: '', ...changes };
}

const list = async (db: Database, wanted: Partial<ListAuditRecords> = {}) =>
  (await listAuditRecords({ db }, { ...everything, ...wanted })).records;

const add = (db: Database, ...records: NewAuditRecord[]) => db.transact((tx) => insertAuditRecords(tx, records));

eachDatabase(({ open }) => {
  test('a change and its record are there together, or neither', async (t) => {
    const db = await openImageDatabase(t, open);
    const sources = { image: lockImageSource, snapshot: lockSnapshotSource };
    const recorded: RecordedWork = (tx, work) => recordChange(tx, call, work);
    const deps = { db, catalog, sources };
    const operation = await createDisk(deps, createDiskRequest({ name: 'disk-1' }), { ...caller, recorded });
    await assert.rejects(createDisk(deps, createDiskRequest({ name: 'disk-1' }), { ...caller, recorded }), {
      code: 'ALREADY_EXISTS',
    });
    const [record, ...others] = await list(db);
    assert.equal(others.length, 0);
    assert.ok(record !== undefined);
    const { id: _id, at, ...facts } = record;
    assert.ok(Math.abs(Date.now() - at.getTime()) < 60_000);
    assert.deepEqual(facts, {
      ...call,
      kind: 'change',
      code: 'OK',
      resourceId: operation.resourceId,
      cloudId: 'cloud',
      operationId: operation.id,
    });
  });

  test('the end of an operation is recorded with it', async (t) => {
    const db = await openImageDatabase(t, open);
    const about = { kind: 'image.create', folderId, resourceId: 'fd8x', description: 'Create image' };
    const { id } = await db.transact((tx) => insertOperation(tx, { ...about, createdBy: 'aje2', input: {} }));
    const kind = { name: 'image.create', run: () => Promise.reject(new Error()), abandon: async () => {} };
    await cancelOperation({ db, kinds: new Map([[kind.name, kind]]), runner: { abort() {} } }, { operationId: id });
    const [outcome, ...others] = await list(db);
    assert.equal(others.length, 0);
    assert.deepEqual(
      [outcome?.kind, outcome?.code, outcome?.operationId, outcome?.resourceId, outcome?.subjectId, outcome?.cloudId],
      ['outcome', 'CANCELLED', id, 'fd8x', 'aje2', 'cloud'],
    );
  });

  test('is listed newest first, in pages that hold still while more comes', async (t) => {
    const db = await openImageDatabase(t, open);
    for (let at = 1; at <= 5; at++)
      await add(db, someRecord({ at: new Date(Math.ceil(at / 2)), resourceId: `r${at}` }));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await listAuditRecords({ db }, { ...everything, pageSize: 2, pageToken });
      seen.push(...page.records.map(({ resourceId }) => resourceId));
      pageToken = page.nextPageToken;
      await add(db, someRecord({ at: new Date(9) }));
    } while (pageToken !== '');
    assert.deepEqual(seen, ['r5', 'r4', 'r3', 'r2', 'r1']);
    const { nextPageToken } = await listAuditRecords({ db }, { ...everything, pageSize: 1 });
    const elsewhere = { ...everything, subjectId: 'aje1', pageToken: nextPageToken };
    await assert.rejects(listAuditRecords({ db }, elsewhere), { code: 'INVALID_ARGUMENT' });
  });

  test('every filter leaves what fits', async (t) => {
    const db = await openImageDatabase(t, open);
    await add(
      db,
      someRecord({ at: new Date(1), subjectId: 'aje2', resourceId: 'a' }),
      someRecord({ at: new Date(2), method: 'Other/Delete', resourceId: 'b' }),
      someRecord({ at: new Date(3), folderId: 'elsewhere', resourceId: 'c' }),
      someRecord({ at: new Date(4), cloudId: 'other', resourceId: 'd' }),
      someRecord({ at: new Date(5), folderId: '', resourceId: 'cloud' }),
    );
    const found = async (wanted: Partial<ListAuditRecords>) =>
      (await list(db, wanted)).map(({ resourceId }) => resourceId).join('');
    assert.equal(await found({ subjectId: 'aje2' }), 'a');
    assert.equal(await found({ method: 'Other/Delete' }), 'b');
    assert.equal(await found({ folderId: 'elsewhere' }), 'c');
    assert.equal(await found({ cloudId: 'other' }), 'd');
    assert.equal(await found({ cloudId: 'cloud' }), 'cloudba', 'by the folder, or by being the cloud');
    assert.equal(await found({ resourceId: 'c', folderId }), '');
    assert.equal(await found({ since: new Date(2), until: new Date(4) }), 'cb');
  });

  test('nothing changes a record', async (t) => {
    const db = await openImageDatabase(t, open);
    await recordMadeChange({ db }, call);
    await assert.rejects(
      db.transact((tx) => tx.updateTable('audit_records').set({ subject_id: 'somebody else' }).execute()),
      /never changed/,
    );
  });

  test('forgets what is old, and what is too much, each kind by itself', async (t) => {
    const db = await openImageDatabase(t, open);
    const now = 1_000_000;
    const refusals = Array.from({ length: 5 }, (_, i) => someRecord({ kind: 'refusal', at: new Date(now - i) }));
    await add(
      db,
      someRecord({ at: new Date(now - 20_000) }),
      ...refusals,
      ...[1, 2, 3].map((i) => someRecord({ at: new Date(now + i) })),
    );
    await forgetAudit({ db, now: () => now }, { keepMs: 10_000, maxRecords: 20 });
    const left = await list(db);
    assert.deepEqual(
      left.map(({ kind, at }) => [kind, at.getTime() - now]),
      [
        ['change', 3],
        ['change', 2],
        ['change', 1],
        ['refusal', 0],
        ['refusal', -1],
      ],
    );
  });

  test('refusals are written together, and no more than so many', async (t) => {
    const db = await openImageDatabase(t, open);
    let dropped = 0;
    const onDropped = (count: number) => {
      dropped += count;
    };
    const refusals = new Refusals({ db, onDropped, onError: assert.ifError, clock: () => 0, gatherMs: 60_000 });
    const refusal = (subjectId: string) => someRecord({ kind: 'refusal', code: 'PERMISSION_DENIED', subjectId });
    for (let i = 0; i < 250; i++) refusals.add(refusal(''));
    refusals.add(refusal('aje1'));
    await refusals[Symbol.asyncDispose]();
    assert.equal(dropped, 50);
    assert.equal((await list(db, { pageSize: 1000 })).length, 201);
    assert.equal((await list(db, { subjectId: 'aje1' })).length, 1, 'strangers do not keep out whom we know');
  });
});
