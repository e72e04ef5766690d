import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTestSqlite } from '../../test/fixtures/databases.ts';
import { temporaryDirectory } from '../../test/fixtures/obraz.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import { sweepSpool } from './sweep-spool.ts';

test('removes what operations that are over left, also a record that was being written, and keeps the rest', async (t) => {
  const db = await openTestSqlite(t);
  await using directory = await temporaryDirectory();
  const about = { kind: 'image.create', folderId: 'f', resourceId: 'r', description: '', createdBy: '', input: {} };
  const { id } = await db.transact((tx) => insertOperation(tx, about));
  const over = 'fd8aaaaaaaaaaaaaaaaa';
  for (const operation of [id, over]) {
    for (const name of [operation, `${operation}.json`, `.${operation}.json.new`, `${operation}.unpacked-1`]) {
      await writeFile(join(directory.path, name), '');
    }
  }
  await sweepSpool({ db, spoolDirectory: directory.path });
  assert.deepEqual(
    (await readdir(directory.path)).toSorted(),
    [`.${id}.json.new`, id, `${id}.json`, `${id}.unpacked-1`].toSorted(),
  );
});
