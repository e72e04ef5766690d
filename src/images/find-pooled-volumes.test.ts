import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import {
  folderId,
  makeImage,
  openImageDatabase,
  volumeId,
  volumeSizeBytes,
} from '../../test/fixtures/image-fixture.ts';
import { findPooledVolumes } from './find-pooled-volumes.ts';
import { insertImage } from './image-rows.ts';

eachDatabase(({ open }) => {
  test('finds the volumes of READY images that are pooled, each once', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = [
      makeImage({ pooled: true, name: 'older', createdAt: new Date(1000) }),
      makeImage({ pooled: true, name: 'newer', createdAt: new Date(2000) }),
      makeImage({ pooled: false, name: 'not-pooled', createdAt: new Date(3000) }),
      makeImage({ pooled: true, name: 'not-ready', status: 'CREATING', volumeId: undefined }),
    ];
    await db.transact(async (tx) => {
      for (const image of images) await insertImage(tx, image);
    });
    const [older, newer] = images;
    assert.deepEqual(await findPooledVolumes(db.read), [
      {
        volumeId,
        contentId: '00'.repeat(32),
        sizeBytes: volumeSizeBytes,
        createdAt: 2000,
        images: [
          { id: newer?.id, name: 'newer', folderId },
          { id: older?.id, name: 'older', folderId },
        ],
      },
    ]);
  });
});
