import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { InstallationBroken } from '../installation/installation-broken.ts';
import { insertAdoptedPack } from '../volumes/pack-rows.ts';
import { assertSamePlace, setPlace } from './assert-same-place.ts';

eachDatabase(({ open }) => {
  test('packs stay where they were begun', async () => {
    await using db = await open();
    await assertSamePlace(db, 's3');
    await assertSamePlace(db, 's3');
    await assert.rejects(assertSamePlace(db, 'directory'), /in an S3 bucket: say which, as before, with OBRAZ_BLOBS/);
  });

  test('metadata that knows packs and no place has them in its directory', async () => {
    await using db = await open();
    await db.transact((tx) => insertAdoptedPack(tx, { id: 'abc', sizeBytes: 1, now: 1 }));
    await assert.rejects(assertSamePlace(db, 's3'), InstallationBroken);
    await assertSamePlace(db, 'directory');
    // As a rebuild from a bucket does, or somebody who has moved them.
    await db.transact((tx) => setPlace(tx, 's3'));
    await assertSamePlace(db, 's3');
  });
});
