import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { explain } from '../../test/fixtures/explain.ts';
import { caller, folderId, guestDetails, makeImage, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import type { Database } from '../db/database.ts';
import { failedPrecondition } from '../errors.ts';
import { type ChangeImage, changeImage, type ImageChange } from './change-image.ts';
import type { Deprecation, DeprecationState } from './deprecation.ts';
import { getImage } from './get-image.ts';
import { getLatestByFamily } from './get-latest-by-family.ts';
import type { Image } from './image.ts';
import { imageFromJson } from './image-json.ts';
import { insertImage, latestReady } from './image-rows.ts';

async function add(db: Database, changes: Partial<Image> = {}): Promise<Image> {
  const image = makeImage(changes);
  await db.transact((tx) => insertImage(tx, image));
  return image;
}

const change = (db: Database, imageId: string, change: ImageChange, check?: ChangeImage['check']) =>
  changeImage({ db }, { imageId, change, ...(check === undefined ? {} : { check }) }, caller);

const deprecated = (state: DeprecationState): Deprecation => ({
  state,
  replacement: 'projects/p/global/images/newer',
  deprecated: '2026-01-01T00:00:00Z',
  obsolete: '',
  deleted: '',
});

eachDatabase(({ open }) => {
  test('changes what is named and leaves the rest, and says in the operation what was asked for', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await add(db, { name: 'old', description: 'old', labels: { a: 'b' }, guest: guestDetails });
    const operation = await change(db, image.id, {
      family: 'fam',
      name: 'new',
      architecture: 'X86_64',
      deprecation: deprecated('OBSOLETE'),
    });
    const wanted: Image = {
      ...image,
      family: 'fam',
      name: 'new',
      guest: { ...guestDetails, architecture: 'X86_64' },
      deprecation: deprecated('OBSOLETE'),
    };
    assert.deepEqual(await getImage({ db }, { imageId: image.id }), wanted);
    assert.deepEqual(imageFromJson(operation.result), wanted);
    assert.deepEqual(operation.input, { changed: ['family', 'name', 'architecture', 'deprecation'] });
    assert.deepEqual(
      [operation.kind, operation.resourceName, operation.zoneId, operation.done],
      ['image.update', 'new', '', true],
    );
    await change(db, image.id, { labels: {}, deprecation: null });
    assert.deepEqual(await getImage({ db }, { imageId: image.id }), { ...wanted, labels: {}, deprecation: undefined });
  });

  test('of those who looked at the same labels, one changes them', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await add(db, { labels: { count: '0' } });
    const check = ({ labels }: Image) => {
      if (labels.count !== '0') throw failedPrecondition('STALE', 'the labels have changed');
    };
    const asked = Array.from({ length: 5 }, (_, at) => change(db, image.id, { labels: { count: `${at + 1}` } }, check));
    const failures = (await Promise.allSettled(asked)).filter((result) => result.status === 'rejected');
    assert.deepEqual(
      failures.map(({ reason }) => reason.reason),
      Array.from({ length: 4 }, () => 'STALE'),
    );
    await assert.rejects(change(db, 'x', {}, check), { code: 'NOT_FOUND', message: 'Image "x" not found' });
  });

  test('a family passes over images that are deprecated', async (t) => {
    const db = await openImageDatabase(t, open);
    const at = (ms: number) => ({ family: 'fam', createdAt: new Date(ms) });
    const [oldest, older, newest] = [await add(db, at(1)), await add(db, at(2)), await add(db, at(3))];
    const latest = async () => (await getLatestByFamily({ db }, { folderId, family: 'fam' })).id;
    await change(db, newest.id, { deprecation: deprecated('DEPRECATED') });
    await change(db, older.id, { deprecation: deprecated('ACTIVE') });
    assert.equal(await latest(), older.id);
    await change(db, older.id, { deprecation: deprecated('DELETED') });
    assert.equal(await latest(), oldest.id);
    await change(db, oldest.id, { deprecation: deprecated('OBSOLETE') });
    await assert.rejects(latest(), { code: 'NOT_FOUND', message: 'Image "fam" not found' });
    await change(db, newest.id, { deprecation: null });
    assert.equal(await latest(), newest.id);
  });

  test('the latest of a family is found by the index of those that are not deprecated', async (t) => {
    const db = await openImageDatabase(t, open);
    const plan = await explain(db, latestReady(db.read, { folderId, family: 'fam' }));
    assert.match(plan, /images_by_family/, plan);
    assert.doesNotMatch(plan, /TEMP B-TREE|Sort|Seq Scan/, plan);
  });
});
