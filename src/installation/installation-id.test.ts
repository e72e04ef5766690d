import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { InstallationBroken } from './installation-broken.ts';
import { assertSameDirectory, assertSameInstallation, type OwnedStore } from './installation-id.ts';

eachDatabase(({ open }) => {
  test('metadata and directory that began together stay together', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using db = await open();
    const path = join(directory.path, 'installation-id');
    await assertSameInstallation(db, path);
    const id = await readFile(path, 'utf8');
    await assertSameInstallation(db, path);
    assert.equal(await readFile(path, 'utf8'), id);

    await using rebuilt = await open();
    await assertSameInstallation(rebuilt, path);
    assert.equal(await readFile(path, 'utf8'), id, 'new metadata takes the id of the directory');
  });

  test('metadata of another directory is refused', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using mine = await open();
    await using other = await open();
    await assertSameInstallation(mine, join(directory.path, 'mine'));
    await assertSameInstallation(other, join(directory.path, 'other'));
    await assert.rejects(assertSameInstallation(mine, join(directory.path, 'other')), InstallationBroken);
  });

  test('a directory that lost its id is known by a file in it, not by a database elsewhere', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using db = await open();
    const path = join(directory.path, 'installation-id');
    await assertSameInstallation(db, path);
    const id = await readFile(path, 'utf8');
    await rm(path);
    if (db.dialect === 'postgres') {
      await assert.rejects(assertSameInstallation(db, path), /belongs to another data directory/);
      return;
    }
    await assertSameInstallation(db, path);
    assert.equal(await readFile(path, 'utf8'), id);
  });

  test('a store elsewhere takes the id, and is refused by another installation', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using db = await open();
    const store = keepId();
    const path = join(directory.path, 'mine');
    await assertSameInstallation(db, path, store);
    await assertSameInstallation(db, path, store);
    assert.equal(store.kept(), (await readFile(path, 'utf8')).trim());
    await assertSameDirectory(path, store);

    await using other = await open();
    const otherPath = join(directory.path, 'other');
    await assertSameInstallation(other, otherPath);
    await assert.rejects(assertSameInstallation(other, otherPath, store), /a bucket belongs to another installation/);
    await assert.rejects(assertSameDirectory(otherPath, store), InstallationBroken);
  });

  test('another directory joins metadata and a store that are both elsewhere, not a store that was mistaken for it', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using db = await open();
    if (db.dialect === 'sqlite') return;
    const store = keepId();
    const first = join(directory.path, 'first');
    const second = join(directory.path, 'second');
    await Promise.all([assertSameInstallation(db, first, store), assertSameInstallation(db, second, store)]);
    assert.equal(await readFile(second, 'utf8'), await readFile(first, 'utf8'));
    const third = join(directory.path, 'third');
    await assertSameInstallation(db, third, store);
    assert.equal(await readFile(third, 'utf8'), await readFile(first, 'utf8'));

    const mistaken = keepId(undefined, 's3://bucket/mistaken/');
    await assert.rejects(
      assertSameInstallation(db, join(directory.path, 'mistaken'), mistaken),
      /are in s3:\/\/bucket\/, /,
    );
    await insertPack(db);
    await assert.rejects(assertSameInstallation(db, join(directory.path, 'fourth'), keepId()), InstallationBroken);
    await assert.rejects(assertSameInstallation(db, join(directory.path, 'fifth')), InstallationBroken);
    await assertSameInstallation(db, join(directory.path, 'sixth'), store);
  });

  test('a store that is all that was left gives its id', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-id-'));
    await using db = await open();
    const path = join(directory.path, 'installation-id');
    const store = keepId('the-first-one');
    await assertSameDirectory(path, store);
    await assertSameInstallation(db, path, store);
    assert.equal(await readFile(path, 'utf8'), 'the-first-one\n');
  });
});

async function insertPack(db: Database): Promise<void> {
  const row = { id: 'pack-1', domain_id: 'cloud', state: 'live', size: 1, operation_id: 'op', lease_epoch: 1 } as const;
  const facts = { created_at: 0, was_sealed: 1, condemned_at: null, live_bytes: null };
  await db.transact((tx) =>
    tx
      .insertInto('packs')
      .values({ ...row, ...facts })
      .execute(),
  );
}

function keepId(kept?: string, place = 's3://bucket/'): OwnedStore & { kept(): string | undefined } {
  return {
    description: 'a bucket',
    place,
    kept: () => kept,
    async read() {
      return kept;
    },
    async write(id) {
      kept = id;
    },
  };
}
