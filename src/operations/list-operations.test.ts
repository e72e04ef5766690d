import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { explain } from '../../test/fixtures/explain.ts';
import type { Database } from '../db/database.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import { findOperationByNumber } from './find-operation-by-number.ts';
import { insertFinishedOperation } from './insert-operation.ts';
import { type ListOperationsInFolder, listOperationsInFolder } from './list-operations.ts';
import { operationPage } from './operation-rows.ts';

const about = { description: 'Work', createdBy: 's', result: {} };
const places = [
  { kind: 'image.create', folderId: 'f', resourceId: 'i1', resourceName: 'debian' },
  { kind: 'disk.create', folderId: 'f', resourceId: 'd1', resourceName: 'data', zoneId: 'a' },
  { kind: 'snapshot.create', folderId: 'f', resourceId: 's1', resourceName: 's1' },
  { kind: 'disk.delete', folderId: 'f', resourceId: 'd2', resourceName: 'd2', zoneId: 'b' },
  { kind: 'folder.update', folderId: 'f', resourceId: 'f' },
  { kind: 'snapshot.create', folderId: 'f', resourceId: 's2', resourceName: 's2', zoneId: 'a' },
  { kind: 'image.delete', folderId: 'other', resourceId: 'i2', resourceName: 'i2' },
];

async function insertAll(db: Database): Promise<void> {
  await db.transact(async (tx) => {
    for (const [index, place] of places.entries()) {
      await insertFinishedOperation(tx, { ...about, ...place, now: new Date(1_000 + Math.floor(index / 2)) });
    }
  });
}

/** What the operations of all pages are on, page by page. */
async function listAll(db: Database, request: Omit<ListOperationsInFolder, 'pageToken'>): Promise<string[]> {
  const listed: string[] = [];
  let pageToken = '';
  do {
    const page = await listOperationsInFolder({ db }, { ...request, pageToken });
    listed.push(...page.operations.map(({ resourceId }) => resourceId));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return listed;
}

eachDatabase(({ open }) => {
  test('lists what is in a folder, by what it is on and by zone, in pages of any size', async (t) => {
    const db = await open(t);
    await insertAll(db);
    const { operations } = await listOperationsInFolder({ db }, { folderId: 'f', pageSize: 0, pageToken: '' });
    const times = operations.map(({ createdAt }) => createdAt.getTime());
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
    );
    assert.deepEqual(operations.map(({ resourceName, zoneId }) => [resourceName, zoneId]).toSorted(), [
      ['', ''],
      ['d2', 'b'],
      ['data', 'a'],
      ['debian', ''],
      ['s1', ''],
      ['s2', 'a'],
    ]);
    const cases = [
      [{ folderId: 'f' }, ['d1', 'd2', 'f', 'i1', 's1', 's2']],
      [{ folderId: 'f', nouns: ['image', 'snapshot'], zoneId: '' }, ['i1', 's1']],
      [{ folderId: 'f', nouns: ['image', 'disk', 'snapshot'] }, ['d1', 'd2', 'i1', 's1', 's2']],
      [{ folderId: 'f', zoneId: 'a' }, ['d1', 's2']],
      [{ folderId: 'f', nouns: [] }, []],
      [{ folderId: 'other' }, ['i2']],
      [{ folderId: 'x' }, []],
    ] as const;
    for (const [scope, wanted] of cases) {
      for (const pageSize of [1, 2, 1000]) {
        assert.deepEqual((await listAll(db, { ...scope, pageSize })).toSorted(), wanted, JSON.stringify(scope));
      }
    }
  });

  test('refuses the page token of another list', async (t) => {
    const db = await open(t);
    await insertAll(db);
    const { nextPageToken } = await listOperationsInFolder({ db }, { folderId: 'f', pageSize: 1, pageToken: '' });
    for (const scope of [{ folderId: 'other' }, { folderId: 'f', zoneId: '' }, { folderId: 'f', nouns: ['image'] }]) {
      const foreign = listOperationsInFolder({ db }, { ...scope, pageSize: 1, pageToken: nextPageToken });
      await assert.rejects(foreign, { code: 'INVALID_ARGUMENT' });
    }
  });

  test('a page begins at its position, in every scope', async (t) => {
    const db = await open(t);
    const after = { key: '1', id: 'x' };
    const scopes = [
      [{ folderId: 'f' }, 'operations_by_folder'],
      [{ folderId: 'f', zoneId: '', nouns: ['image', 'snapshot'] }, 'operations_by_zone'],
      [{ resourceId: 'r' }, 'operations_by_resource'],
    ] as const;
    for (const [scope, index] of scopes) {
      const plan = await explain(db, operationPage(db.read, { scope, after, limit: 10 }).selectAll());
      assert.match(plan, new RegExp(`${index}\\b`), plan);
      assert.doesNotMatch(plan, /TEMP B-TREE|Sort|Seq Scan/, plan);
    }
  });

  test('an operation is found by its number, in its folder', async (t) => {
    const db = await open(t);
    await insertAll(db);
    const { operations } = await listOperationsInFolder({ db }, { folderId: 'f', pageSize: 1, pageToken: '' });
    const [operation] = operations;
    assert.ok(operation !== undefined);
    const number = resourceNumber(operation.id);
    assert.deepEqual(await findOperationByNumber({ db }, { folderId: 'f', number }), operation);
    assert.equal(await findOperationByNumber({ db }, { folderId: 'other', number }), undefined);
    assert.equal(await findOperationByNumber({ db }, { folderId: 'f', number: '1' }), undefined);
  });
});
