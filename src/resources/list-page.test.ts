import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { explain } from '../../test/fixtures/explain.ts';
import { folderId } from '../../test/fixtures/image-fixture.ts';
import { diskPage, listedDisks } from '../disks/list-disks.ts';
import { imagePage, listedImages } from '../images/list-images.ts';
import { listedSnapshots, snapshotPage } from '../snapshots/list-snapshots.ts';
import { readListFilter } from './list-filter.ts';
import { readListOrder } from './list-order.ts';

const lists = [
  { table: listedImages, page: imagePage },
  { table: listedDisks, page: diskPage },
  { table: listedSnapshots, page: snapshotPage },
];

/** The plan that begins at the position in the index of that order. */
const planOf = {
  sqlite: (table: string, index: string, field: string) =>
    new RegExp(`${table} USING INDEX ${index} \\(folder_id=\\? AND ${field === 'id' ? 'id' : ''}`),
  postgres: (table: string, index: string, field: string) =>
    new RegExp(
      `using ${index} on ${table}.*\\n *Index Cond: \\(\\(folder_id = '.*'::text\\) AND \\(${field === 'id' ? 'id' : 'ROW'}`,
    ),
};

eachDatabase(({ open }) => {
  for (const { table, page } of lists) {
    test(`pages of ${table.name} come from the index of their order, never by offset or by sorting`, async (t) => {
      const db = await open(t);
      const after = { key: '5', id: 'fd8' };
      for (const [field, ending] of Object.entries({ id: 'id', name: 'name', createdAt: 'age' })) {
        for (const direction of ['asc', 'desc']) {
          for (const filter of ['', 'labels.env = prod AND status = READY']) {
            const order = readListOrder(`${field} ${direction}`);
            const { conditions } = readListFilter(table, filter);
            const query = page(db.read, { folderId, conditions, order, after, limit: 101 });
            const plan = await explain(db, query);
            assert.match(plan, planOf[db.dialect](table.name, `${table.name}_by_${ending}`, field));
            assert.doesNotMatch(plan, /TEMP B-TREE|SCAN|Sort|Seq Scan/, plan);
            assert.doesNotMatch(query.compile().sql, /offset/);
          }
        }
      }
    });
  }

  test('a filter by name looks at what has that name', async (t) => {
    const db = await open(t);
    const { conditions, isQuick } = readListFilter(listedImages, 'name = "debian" AND status = READY');
    const query = imagePage(db.read, { folderId, conditions, order: readListOrder(''), after: undefined, limit: 101 });
    const { sql } = query.compile();
    assert.equal(isQuick, true, sql);
    // PostgreSQL chooses by what it knows of the table, and knows nothing of a test's.
    if (db.dialect === 'sqlite')
      assert.match(await explain(db, query), /USING INDEX images_by_name \(folder_id=\? AND name=\?/);
  });
});

test('a filter is quick that names what it wants, and no other', () => {
  for (const filter of ['', 'id = fd8', 'status = READY AND name IN (a, b)']) {
    assert.equal(readListFilter(listedImages, filter).isQuick, true, filter);
  }
  for (const filter of [
    'name != a',
    'family = a',
    'labels.env = prod',
    'status = READY',
    'created_at > 2026-01-01T00:00:00Z',
  ]) {
    assert.equal(readListFilter(listedImages, filter).isQuick, false, filter);
  }
});
