import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Database } from '../../src/db/database.ts';
import { openTestSqlite } from '../fixtures/databases.ts';

/** What the connection that writes says of one of its settings. */
async function readPragma(db: Database, name: string): Promise<unknown> {
  const { rows } = await db.transact((tx) => sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(tx));
  return rows[0]?.[name];
}

test('what SQLite’s own durability rests on is in force on the connection that writes', async (t) => {
  const db = await openTestSqlite(t);
  assert.equal(await readPragma(db, 'synchronous'), 2, 'FULL: a commit that was answered survives a power cut');
  assert.equal(await readPragma(db, 'journal_mode'), 'wal');
  assert.equal(await readPragma(db, 'foreign_keys'), 1, 'a row that is needed cannot be deleted');
});
