import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../../../test/fixtures/databases.ts';
import { folderId, makeImage, openImageDatabase } from '../../../../test/fixtures/image-fixture.ts';
import type { Database } from '../../../db/database.ts';
import { ImageSchema } from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import type { Image } from '../../../images/image.ts';
import { insertImage } from '../../../images/image-rows.ts';
import { listImages } from '../../../images/list-images.ts';
import { listFiltered } from './list-filtered.ts';
import { readFilter } from './read-filter.ts';
import { readOrder } from './read-order.ts';
import { readPage } from './read-page.ts';

/** Several of each age, every third of one family. */
function variousImages(count: number): Image[] {
  return Array.from({ length: count }, (_, index) =>
    makeImage({
      name: `n${(index * 37) % 101}`,
      createdAt: new Date(1_700_000_000_000 + Math.floor(index / 3) * 1_000),
      family: index % 3 === 0 ? 'third' : 'other',
    }),
  );
}

async function listAll(db: Database, maxResults: number, filter: string, orderBy: string): Promise<string[]> {
  const order = readOrder(orderBy);
  const names: string[] = [];
  let pageToken = '';
  do {
    const { items, nextPageToken } = await listFiltered<Image>({
      query: ['images', folderId, filter, order],
      page: readPage({ maxResults, pageToken }),
      filter: readFilter(filter, ImageSchema),
      fetchPage: async (token, pageSize) => {
        const request = { folderId, pageSize, pageToken: token, filter: '', orderBy: order };
        const page = await listImages({ db }, request);
        return { items: page.images, nextPageToken: page.nextPageToken };
      },
      toJson: ({ name, family }) => ({ name, family }),
    });
    names.push(...items.map(({ name }) => name));
    pageToken = nextPageToken;
  } while (pageToken !== '');
  return names;
}

eachDatabase(({ open }) => {
  test('the core’s own pages are filtered and gone on with, in both orders', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = variousImages(100);
    await db.transact(async (tx) => {
      for (const image of images) await insertImage(tx, image);
    });
    for (const maxResults of [1, 7, 500]) {
      for (const [filter, wanted] of [
        ['', images],
        ['family = third', images.filter(({ family }) => family === 'third')],
        [
          String.raw`(family ne "thi.*")(name eq ".*\bn1.*")`,
          images.filter((i) => i.family !== 'third' && /^n1/.test(i.name)),
        ],
      ] as const) {
        const byName = wanted.map(({ name }) => name).sort();
        assert.deepEqual(await listAll(db, maxResults, filter, ''), byName, `${filter} by ${maxResults}`);
        const newest = await listAll(db, maxResults, filter, 'creationTimestamp desc');
        assert.deepEqual(newest.toSorted(), byName, `${filter} by ${maxResults}`);
        const ages = newest.map((name) => images.find((image) => image.name === name)?.createdAt.getTime() ?? 0);
        assert.deepEqual(
          ages,
          ages.toSorted((a, b) => b - a),
        );
      }
    }
  });
});
