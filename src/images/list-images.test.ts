import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { folderId, makeImage, openImageDatabase } from '../../test/fixtures/image-fixture.ts';
import type { Database } from '../db/database.ts';
import { ServiceError } from '../errors.ts';
import type { ListRequest } from '../resources/list-resources.ts';
import type { Image } from './image.ts';
import { insertImage } from './image-rows.ts';
import { listImages } from './list-images.ts';

const all: ListRequest = { folderId, pageSize: 0, pageToken: '', filter: '', orderBy: '' };

async function insertAll(db: Database, images: readonly Image[]): Promise<void> {
  await db.transact(async (tx) => {
    for (const image of images) await insertImage(tx, image);
  });
}

async function listAll(db: Database, request: Partial<ListRequest>): Promise<Image[]> {
  const images: Image[] = [];
  let pageToken = '';
  do {
    const page = await listImages({ db }, { ...all, ...request, pageToken });
    images.push(...page.images);
    pageToken = page.nextPageToken;
    assert.ok(pageToken.length <= 100);
  } while (pageToken !== '');
  return images;
}

/** Some images with names of every length, some without, several of each age. */
function variousImages(count: number): Image[] {
  return Array.from({ length: count }, (_, index) =>
    makeImage({
      name: index % 4 === 0 ? '' : `n${'x'.repeat((index * 7) % 55)}${'_-'[index % 2]}${index}`,
      createdAt: new Date(1_700_000_000_000 + Math.floor(index / 3)),
      family: index % 2 === 0 ? 'even' : 'odd',
      labels: index % 3 === 0 ? { env: 'prod', 'team.name': 'a/b' } : { env: 'test' },
      status: index % 5 === 0 ? 'CREATING' : 'READY',
    }),
  );
}

const sortKeys: Record<string, (image: Image) => string | number> = {
  id: ({ id }) => id,
  name: ({ name }) => name,
  createdAt: ({ createdAt }) => createdAt.getTime(),
};

function sorted(images: readonly Image[], field: string, direction: 'asc' | 'desc'): string[] {
  const key = sortKeys[field] ?? (({ id }: Image) => id);
  const sign = direction === 'asc' ? 1 : -1;
  const compare = <T>(a: T, b: T) => (a < b ? -sign : a > b ? sign : 0);
  return images.toSorted((a, b) => compare(key(a), key(b)) || compare(a.id, b.id)).map(({ id }) => id);
}

eachDatabase(({ open }) => {
  test('pages of any size, in any order, are together the one sorted list', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = variousImages(97);
    await insertAll(db, images);
    for (const field of Object.keys(sortKeys)) {
      for (const direction of ['asc', 'desc'] as const) {
        for (const pageSize of [1, 7, 97, 1000]) {
          const listed = await listAll(db, { pageSize, orderBy: `${field} ${direction}` });
          const what = `${field} ${direction} by ${pageSize}`;
          assert.deepEqual(
            listed.map(({ id }) => id),
            sorted(images, field, direction),
            what,
          );
        }
      }
    }
    assert.deepEqual(
      (await listAll(db, {})).map(({ id }) => id),
      sorted(images, 'id', 'asc'),
    );
  });

  test('what stays is listed once, whatever comes and goes between the pages', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = variousImages(30);
    await insertAll(db, images);
    const order = { pageSize: 10, orderBy: 'name' };
    const first = await listImages({ db }, { ...all, ...order });
    const last = first.images.at(-1);
    assert.ok(last !== undefined);
    // The row that the token stands on goes, and one comes before it.
    await db.transact(async (tx) => {
      await tx.deleteFrom('images').where('id', '=', last.id).execute();
      await insertImage(tx, makeImage({ name: 'a' }));
    });
    const rest = await listImages({ db }, { ...all, ...order, pageSize: 1000, pageToken: first.nextPageToken });
    assert.deepEqual(
      [...first.images, ...rest.images].map(({ id }) => id),
      sorted(images, 'name', 'asc'),
    );
  });

  test('filters by each field and operator', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = variousImages(40);
    await insertAll(db, images);
    const [one] = images.filter(({ name }) => name !== '');
    assert.ok(one !== undefined);
    const middle = new Date(1_700_000_000_000 + 6);
    const time = middle.toISOString();
    const cases: [string, (image: Image) => boolean][] = [
      [`name = "${one.name}"`, ({ name }) => name === one.name],
      [`name != '${one.name}' AND name != ""`, ({ name }) => name !== one.name && name !== ''],
      [`id IN (${one.id}, fd8other)`, ({ id }) => id === one.id],
      ['family = even', ({ family }) => family === 'even'],
      ['family not in ("even")', ({ family }) => family === 'odd'],
      ['status = CREATING and family=even', ({ status, family }) => status === 'CREATING' && family === 'even'],
      ['status IN (READY, ERROR)', ({ status }) => status === 'READY'],
      ['labels.env = prod', ({ labels }) => labels.env === 'prod'],
      ['labels.env IN (prod, test)', () => true],
      ['labels.team.name != "a/b"', ({ labels }) => labels['team.name'] !== 'a/b'],
      ['labels."team.name" = "a/b"', ({ labels }) => labels['team.name'] === 'a/b'],
      ['labels.none NOT IN (x)', () => true],
      [`created_at < ${time}`, ({ createdAt }) => createdAt < middle],
      [`createdAt >= "${time}"`, ({ createdAt }) => createdAt >= middle],
      [`created_at = ${time}`, ({ createdAt }) => createdAt.getTime() === middle.getTime()],
      [`created_at NOT IN (${time})`, ({ createdAt }) => createdAt.getTime() !== middle.getTime()],
      ['', () => true],
    ];
    for (const [filter, matches] of cases) {
      const listed = await listAll(db, { filter, pageSize: 9 });
      assert.deepEqual(
        listed.map(({ id }) => id),
        sorted(images.filter(matches), 'id', 'asc'),
        filter,
      );
    }
  });

  test('says what is wrong with a filter, an order or a token, on its field', async (t) => {
    const db = await openImageDatabase(t, open);
    await insertAll(db, variousImages(5));
    const { nextPageToken: pageToken } = await listImages({ db }, { ...all, pageSize: 2 });
    const cases: [Partial<ListRequest>, string, RegExp][] = [
      [{ filter: 'size = 1' }, 'filter', /position 1: "size" cannot be filtered by; these can: name, family/],
      [{ filter: 'name < a' }, 'filter', /takes =, !=, IN and NOT IN only/],
      [{ filter: 'labels = a' }, 'filter', /labels.KEY/],
      [{ filter: 'name.x = a' }, 'filter', /no keys/],
      [{ filter: 'status = ready' }, 'filter', /position 10: expected one of CREATING, READY/],
      [{ filter: 'created_at > yesterday' }, 'filter', /position 14: expected a time like/],
      [{ filter: 'name ~ a' }, 'filter', /position 6: expected an operator/],
      [{ orderBy: 'size' }, 'order_by', /expected id, name or createdAt/],
      [{ orderBy: 'name up' }, 'order_by', /asc or desc/],
      [{ orderBy: 'name asc, id desc' }, 'order_by', /expected/],
      [{ pageToken: 'x' }, 'page_token', /not a token of this list/],
      [{ pageToken, filter: 'family = even' }, 'page_token', /not a token of this list/],
      [{ pageToken, orderBy: 'id desc' }, 'page_token', /not a token of this list/],
      [{ pageToken, folderId: 'other' }, 'page_token', /not a token of this list/],
    ];
    for (const [request, field, description] of cases) {
      await assert.rejects(listImages({ db }, { ...all, ...request }), (error: unknown) => {
        assert.ok(error instanceof ServiceError);
        assert.equal(error.code, 'INVALID_ARGUMENT');
        assert.equal(error.fields[0]?.field, field);
        assert.match(error.fields[0]?.description ?? '', description);
        return true;
      });
    }
    await assert.rejects(listImages({ db }, { ...all, folderId: 'b1gnone' }), {
      code: 'NOT_FOUND',
      message: 'Folder "b1gnone" not found',
    });
    await listImages({ db }, { ...all, pageToken, pageSize: 3, orderBy: 'id ASC' });
  });

  test('hostile filters make no SQL of their own, and no other error', async (t) => {
    const db = await openImageDatabase(t, open);
    await insertAll(db, variousImages(5));
    const piece = fc.constantFrom(
      'name',
      'labels.',
      'status',
      '=',
      '!=',
      ' IN (',
      ')',
      "'",
      '"',
      ';--',
      ' AND ',
      'a',
      '%',
    );
    const filters = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 1_000 }),
      fc.array(piece, { maxLength: 15 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 90 }).map((text) => `name = ${JSON.stringify(text)}`),
      fc.nat(110).map((count) => Array.from({ length: count }, () => 'labels.a!=b').join(' AND ')),
    );
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        try {
          await listImages({ db }, { ...all, filter });
        } catch (error) {
          assert.ok(error instanceof ServiceError, String(error));
          assert.equal(error.fields[0]?.field, 'filter');
        }
      }),
      { numRuns: 300 },
    );
  });
});
