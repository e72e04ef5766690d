import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { backedUpAtName, backUpSqlite } from './back-up-sqlite.ts';
import { DatabaseFailed } from './database-failed.ts';
import { openSqlite } from './open-sqlite.ts';
import { restoreSqlite } from './restore-sqlite.ts';

async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'obraz-backup-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const now = new Date(1_800_000_000_000);

function settingOf(path: string, name: string): string | undefined {
  using database = new DatabaseSync(path, { readOnly: true });
  const row = database.prepare('select value from settings where name = ?').get(name);
  return row === undefined ? undefined : String(row.value);
}

test('a backup is of one moment, though every transaction meanwhile changes what it has copied and what it has not', async () => {
  await using folder = await openFolder();
  const from = join(folder.path, 'metadata.db');
  const to = join(folder.path, 'backup.db');
  await using db = await openSqlite(from);
  // Two rows with as much between them as is copied at a time, some times over.
  const put = (name: string, value: string) =>
    db.transact(async (tx) => {
      await tx
        .insertInto('settings')
        .values({ name, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute();
    });
  await put('first', '0');
  for (let index = 0; index < 40; index += 1) await put(`between-${index}`, 'x'.repeat(1024 * 1024));
  await put('last', '0');

  let isOver = false;
  let changes = 0;
  const changing = (async () => {
    for (; !isOver; changes += 1) {
      const value = `${changes + 1}`;
      await db.transact(async (tx) => {
        await tx.updateTable('settings').set({ value }).where('name', 'in', ['first', 'last']).execute();
      });
    }
  })();
  const steps: number[] = [];
  const size = await backUpSqlite({ from, to, now, onProgress: (done) => steps.push(done) }).finally(() => {
    isOver = true;
  });
  await changing;
  assert.ok(changes > 0 && steps.length > 1, `${changes} changes, ${steps.length} steps`);
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
    'it never began anew',
  );
  assert.ok(size > 40 * 1024 * 1024);
  // Guard: the transaction around the copy.
  assert.equal(settingOf(to, 'first'), settingOf(to, 'last'));
  assert.equal(settingOf(to, backedUpAtName), String(now.getTime()));
});

test('a backup that is given up, or of a damaged database, leaves nothing behind', async () => {
  await using folder = await openFolder();
  const from = join(folder.path, 'metadata.db');
  const to = join(folder.path, 'backup.db');
  await (await openSqlite(from))[Symbol.asyncDispose]();
  const aborted = AbortSignal.abort(new Error('given up'));
  await assert.rejects(backUpSqlite({ from, to, now, signal: aborted }), /given up/);
  {
    await using file = await open(from, 'r+');
    await file.write(Buffer.alloc(4096, 0x55), 0, 4096, 8 * 4096);
  }
  await assert.rejects(backUpSqlite({ from, to, now }), DatabaseFailed);
  assert.deepEqual(
    (await readdir(folder.path)).filter((name) => /backup/.test(name)),
    [],
  );
});

test('a restore keeps what was there, and nothing of its log gets into what is restored', async () => {
  await using folder = await openFolder();
  const from = join(folder.path, 'metadata.db');
  const backup = join(folder.path, 'backup.db');
  const change = async (path: string, name: string) => {
    await using db = await openSqlite(path);
    await db.transact((tx) => tx.insertInto('settings').values({ name, value: 'x' }).execute());
  };
  await change(from, 'installation_id');
  await backUpSqlite({ from, to: backup, now });
  // As a process leaves it that is killed: with a log beside it that has more than the file.
  const left = join(folder.path, 'left', 'metadata.db');
  await mkdir(dirname(left));
  {
    await using db = await openSqlite(from);
    await db.transact((tx) => tx.insertInto('settings').values({ name: 'later', value: 'x' }).execute());
    for (const end of ['', '-wal']) await copyFile(`${from}${end}`, `${left}${end}`);
  }

  const { backedUpAt, replaced } = await restoreSqlite({ from: backup, to: left, now });
  assert.deepEqual(backedUpAt, now);
  assert.equal(settingOf(left, 'later'), undefined);
  assert.equal(settingOf(replaced ?? '', 'later'), 'x');
  await change(left, 'goes on');
  assert.equal(settingOf(backup, 'goes on'), undefined);
});
