import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { Worker } from 'node:worker_threads';
import { DatabaseFailed } from './database-failed.ts';
import { SqliteConnection } from './sqlite-connection.ts';

/** A connection, its thread, and how it was lost so far. */
async function open(directory: string) {
  const lost: Error[] = [];
  const { promise: worker, resolve } = Promise.withResolvers<Worker>();
  process.once('worker', resolve);
  const path = join(directory, 'metadata.db');
  const connection = await SqliteConnection.open({ path, readOnly: false, onLost: (error) => lost.push(error) });
  return { connection, worker: await worker, lost };
}

test('a thread that dies is told, once, and fails what waits and what comes', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-db-'));
  const { connection, worker, lost } = await open(directory.path);
  // Long, not endless: a thread that is within SQLite dies only when that returns.
  const long =
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000) select count(*) from n';
  const waiting = assert.rejects(connection.execute(long), DatabaseFailed);
  await worker.terminate();
  await waiting;
  await assert.rejects(connection.execute('select 1'), { name: 'DatabaseFailed', message: /thread ended with code 1/ });
  await connection[Symbol.asyncDispose]();
  assert.equal(lost.length, 1);
});

test('a connection that is closed is not lost', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-db-'));
  const { connection, lost } = await open(directory.path);
  await connection[Symbol.asyncDispose]();
  await assert.rejects(connection.execute('select 1'), { message: 'the database is closed' });
  assert.deepEqual(lost, []);
});
