import assert from 'node:assert/strict';
import test from 'node:test';
import { pino } from 'pino';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import {
  caller,
  createRequest,
  folderId,
  guestDetails as guest,
  makeImage,
  openImageDatabase,
  sourceReport,
  volumeId,
  volumeSizeBytes,
} from '../../test/fixtures/image-fixture.ts';
import { untouchedContents as contents } from '../../test/fixtures/untouched-disks.ts';
import type { Database } from '../db/database.ts';
import { ServiceError } from '../errors.ts';
import { explainFailure } from '../operations/failure.ts';
import { getOperation } from '../operations/get-operation.ts';
import { kindsByName, type OperationKind } from '../operations/kind.ts';
import type { Operation } from '../operations/operation.ts';
import { createRunner } from '../operations/runner.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import { type CreateImage, createImage } from './create-image.ts';
import { deleteImage } from './delete-image.ts';
import { discardImage } from './discard-image.ts';
import { getImage } from './get-image.ts';
import { getImageSource } from './get-image-source.ts';
import { getLatestByFamily } from './get-latest-by-family.ts';
import type { Image } from './image.ts';
import { imageFromJson, imageToJson, sourceFromJson } from './image-json.ts';
import { findImage, insertImage } from './image-rows.ts';
import { insertImageSource } from './image-source-rows.ts';
import { listImageOperations } from './list-image-operations.ts';
import { sealImage } from './seal-image.ts';
import { type UpdateImage, updateImage } from './update-image.ts';

const gib = 1024 ** 3;
const runner = { wake() {}, abort() {} };
const checkUri = (uri: string) => (uri.startsWith('https:') ? undefined : 'The address is not read.');
const importKind: OperationKind = {
  name: 'image.create',
  run: () => new Promise(() => {}),
  abandon: (tx, { resourceId }) => discardImage(tx, resourceId),
};
const kinds = kindsByName([importKind]);

function create(db: Database, changes: Partial<CreateImage> = {}): Promise<Operation> {
  return createImage({ db, runner, contents, checkUri }, createRequest(changes), caller);
}

function update(db: Database, imageId: string, changes: Partial<UpdateImage>): Promise<Operation> {
  const request = { imageId, paths: undefined, name: '', description: '', minDiskSizeBytes: 0, labels: {}, ...changes };
  return updateImage({ db }, request, caller);
}

/** An image as an import leaves it. */
async function insertReady(db: Database, changes: Partial<Image> = {}): Promise<Image> {
  const image = makeImage(changes);
  await db.transact(async (tx) => {
    await insertImage(tx, image);
    await addVolumeReference(tx, image.id, volumeId);
  });
  return image;
}

async function references(db: Database): Promise<string[]> {
  const rows = await db.read.selectFrom('volume_references').select('holder_id').orderBy('holder_id').execute();
  return rows.map(({ holder_id }) => holder_id);
}

eachDatabase(({ open }) => {
  test('an image is the same after its row and after its JSON', async (t) => {
    const db = await openImageDatabase(t, open);
    const images = [
      makeImage({ labels: { a: '', 'b/c': 'd' }, productIds: ['f2e'], pooled: true, name: 'n', family: 'fam' }),
      makeImage({ os: { type: 'WINDOWS', nvidiaDriver: '550' }, hardwareGeneration: { kind: 'generation2' } }),
      makeImage({ status: 'CREATING', volumeId: undefined }),
      makeImage({
        guest,
        storageLocations: ['eu'],
        deprecation: { state: 'OBSOLETE', replacement: 'other', deprecated: '', obsolete: '2026', deleted: '' },
        origin: { kind: 'disk', id: 'fhm', folderId, name: 'data', zoneId: 'ru-central1-a' },
      }),
    ];
    for (const image of images) {
      await db.transact((tx) => insertImage(tx, image));
      assert.deepEqual(await getImage({ db }, { imageId: image.id }), image);
      assert.deepEqual(imageFromJson(JSON.parse(JSON.stringify(imageToJson(image)))), image);
    }
    assert.throws(() => imageFromJson({ ...imageToJson(makeImage()), status: 'LOST' }), /status is not one of/);
    const { guest: _, storageLocations, deprecation, origin, ...ofEarlierVersion } = imageToJson(makeImage());
    assert.deepEqual([storageLocations, deprecation, origin], [[], null, null]);
    assert.deepEqual({ ...imageFromJson(ofEarlierVersion), id: '' }, makeImage({ id: '' }));
  });

  test('no text may have the character that ends strings elsewhere', async (t) => {
    const db = await openImageDatabase(t, open);
    const requests = [() => create(db, { description: 'a\0b' }), () => getImage({ db }, { imageId: '\0' })];
    for (const request of requests) {
      const error = await request().catch(explainFailure);
      assert.ok(error instanceof ServiceError && error.code === 'INVALID_ARGUMENT', String(error));
    }
  });

  test('from a uri: the image is there as CREATING, its operation waits, and sealing makes it READY', async (t) => {
    const db = await openImageDatabase(t, open);
    const operation = await create(db, { name: 'debian', minDiskSizeBytes: 20 * gib, labels: { a: 'b' } });
    assert.deepEqual([operation.kind, operation.description, operation.done], ['image.create', 'Create image', false]);
    assert.equal(operation.createdBy, caller.subjectId);
    const image = await getImage({ db }, { imageId: operation.resourceId });
    assert.deepEqual([image.status, image.name, image.minDiskSizeBytes], ['CREATING', 'debian', 20 * gib]);
    assert.deepEqual(image.os, { type: 'LINUX', nvidiaDriver: '' });
    assert.deepEqual(image.hardwareGeneration, { kind: 'legacy', pciTopology: 'V1' });
    const content = {
      imageId: image.id,
      volumeId,
      sizeBytes: volumeSizeBytes,
      storageSizeBytes: 7,
      guestDigest: 'ab',
      source: sourceReport,
    };
    await db.transact((tx) => sealImage(tx, content));
    const sealed = await getImage({ db }, { imageId: image.id });
    assert.deepEqual(sealed, {
      ...image,
      status: 'READY',
      volumeId,
      sizeBytes: 10 * gib,
      storageSizeBytes: 7,
      guestDigest: 'ab',
    });
    assert.deepEqual(await references(db), [image.id]);
    assert.deepEqual(await getImageSource({ db }, { imageId: image.id }), sourceReport);
  });

  test('sealing takes the size for the minimal disk size, and refuses a smaller one', async (t) => {
    const db = await openImageDatabase(t, open);
    const { resourceId: imageId } = await create(db);
    const content = {
      imageId,
      volumeId,
      sizeBytes: volumeSizeBytes,
      storageSizeBytes: 7,
      guestDigest: 'ab',
      source: sourceReport,
    };
    await update(db, imageId, { paths: ['min_disk_size'], minDiskSizeBytes: 4 * gib });
    await assert.rejects(
      db.transact((tx) => sealImage(tx, content)),
      { code: 'INVALID_ARGUMENT', message: `Minimal disk size should be greater or equal than ${10 * gib}` },
    );
    await update(db, imageId, { paths: ['min_disk_size'] });
    await db.transact((tx) => sealImage(tx, content));
    assert.equal((await getImage({ db }, { imageId })).minDiskSizeBytes, 10 * gib);
  });

  test('from an image: done at once, the same content, and what was not said is inherited', async (t) => {
    const db = await openImageDatabase(t, open);
    const source = await insertReady(db, {
      productIds: ['f2ea'],
      os: { type: 'WINDOWS', nvidiaDriver: '550' },
      hardwareGeneration: { kind: 'generation2' },
      minDiskSizeBytes: 20 * gib,
      description: 'of the source',
      labels: { a: 'b' },
      family: 'fam',
      guest,
      storageLocations: ['eu'],
      deprecation: { state: 'DEPRECATED', replacement: '', deprecated: '', obsolete: '', deleted: '' },
    });
    await db.transact((tx) => insertImageSource(tx, source.id, sourceReport));
    const copied = await create(db, { source: { kind: 'image', imageId: source.id }, name: 'copy' });
    assert.equal(copied.done, true);
    const copy = await getImage({ db }, { imageId: copied.resourceId });
    assert.deepEqual(imageFromJson(copied.result), copy);
    assert.deepEqual(sourceFromJson(copied.result), sourceReport);
    assert.deepEqual(await getImageSource({ db }, { imageId: copy.id }), sourceReport);
    const { os, productIds, hardwareGeneration, sizeBytes, storageSizeBytes } = source;
    assert.deepEqual(copy, {
      ...makeImage({ id: copy.id, createdAt: copy.createdAt, name: 'copy', minDiskSizeBytes: 10 * gib }),
      os,
      productIds,
      hardwareGeneration,
      sizeBytes,
      storageSizeBytes,
      guest,
      origin: {
        kind: 'image',
        id: source.id,
        folderId,
        name: source.id,
        zoneId: '',
        deprecation: { state: 'DEPRECATED', replacement: '' },
      },
    });
    assert.deepEqual(await references(db), [source.id, copy.id].toSorted());

    const said: Partial<CreateImage> = {
      os: { type: 'LINUX', nvidiaDriver: '' },
      productIds: ['f2eb'],
      minDiskSizeBytes: 30 * gib,
      hardwareGeneration: { kind: 'legacy', pciTopology: 'V2' },
      guest: { ...guest, architecture: 'X86_64', guestOsFeatures: ['WINDOWS'] },
      storageLocations: ['us'],
    };
    const second = await create(db, { source: { kind: 'image', imageId: source.id }, ...said });
    const { id: _, ...other } = await getImage({ db }, { imageId: second.resourceId });
    assert.deepEqual({ ...other, ...said }, other);
  });

  test('refuses sources that do not exist, are not ready or do not fit', async (t) => {
    const db = await openImageDatabase(t, open);
    const ready = await insertReady(db);
    const { resourceId: creating } = await create(db);
    const cases: [Partial<CreateImage>, object][] = [
      [{ source: { kind: 'image', imageId: 'x' } }, { code: 'FAILED_PRECONDITION', message: 'Image "x" not found' }],
      [{ source: { kind: 'disk', diskId: 'x' } }, { code: 'FAILED_PRECONDITION', message: 'Disk "x" not found' }],
      [
        { source: { kind: 'snapshot', snapshotId: 'x' } },
        { code: 'FAILED_PRECONDITION', message: 'Snapshot "x" not found' },
      ],
      [
        { source: { kind: 'image', imageId: creating } },
        { code: 'FAILED_PRECONDITION', message: /is CREATING, not READY/ },
      ],
      [
        { source: { kind: 'image', imageId: ready.id }, minDiskSizeBytes: gib },
        { code: 'INVALID_ARGUMENT', message: `Minimal disk size should be greater or equal than ${10 * gib}` },
      ],
      [
        { source: { kind: 'uri', uri: 'ftp://x' } },
        { code: 'INVALID_ARGUMENT', message: /uri: The address is not read/ },
      ],
      [{ folderId: 'x' }, { code: 'NOT_FOUND', message: 'Folder "x" not found' }],
    ];
    for (const [request, error] of cases) await assert.rejects(create(db, request), error);
    assert.equal((await db.read.selectFrom('images').select('id').execute()).length, 2);
  });

  test('a name is one image’s in its folder, also when many ask at once; no name is everybody’s', async (t) => {
    const db = await openImageDatabase(t, open);
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => create(db, { name: 'same' })));
    const refused = asked.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 7);
    for (const { reason } of refused) {
      assert.deepEqual([reason.code, reason.message], ['ALREADY_EXISTS', 'Image with name "same" already exists']);
    }
    await Promise.all([create(db), create(db)]);
    // What another process at the same moment would meet: the index, not the look before.
    await assert.rejects(
      db.transact((tx) => insertImage(tx, makeImage({ name: 'same' }))),
      { isConstraint: true },
    );
  });

  test('with a mask, updates what it names; labels as a whole', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await insertReady(db, { name: 'old', description: 'old', labels: { a: '1', b: '2' } });
    const operation = await update(db, image.id, { paths: ['labels', 'name'], name: 'new', labels: { c: '' } });
    assert.deepEqual([operation.kind, operation.description, operation.done], ['image.update', 'Update image', true]);
    const updated = await getImage({ db }, { imageId: image.id });
    assert.deepEqual(updated, { ...image, name: 'new', labels: { c: '' } });
    assert.deepEqual(imageFromJson(operation.result), updated);
    const labels = await db.read.selectFrom('image_labels').select(['key', 'value']).execute();
    assert.deepEqual(labels, [{ key: 'c', value: '' }]);
    await update(db, image.id, { paths: ['name'], name: 'new' });
  });

  test('without a mask, sets every mutable field, and the minimal disk size back to the size', async (t) => {
    const db = await openImageDatabase(t, open);
    const before = { name: 'old', description: 'old', labels: { a: '1' }, minDiskSizeBytes: 20 * gib, family: 'fam' };
    for (const paths of [undefined, []]) {
      const image = await insertReady(db, { ...before, name: `old${paths?.length ?? ''}` });
      await update(db, image.id, { paths });
      const wanted = { ...image, name: '', description: '', labels: {}, minDiskSizeBytes: 10 * gib };
      assert.deepEqual(await getImage({ db }, { imageId: image.id }), wanted);
    }
  });

  test('refuses updates that cannot be', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await insertReady(db, { name: 'mine' });
    await insertReady(db, { name: 'taken' });
    const cases: [Partial<UpdateImage>, object][] = [
      [
        { paths: ['family'] },
        { code: 'INVALID_ARGUMENT', message: /update_mask: "family" cannot be updated; these can/ },
      ],
      [{ paths: ['minDiskSize'] }, { code: 'INVALID_ARGUMENT' }],
      [
        { paths: ['name'], name: 'taken' },
        { code: 'ALREADY_EXISTS', message: 'Image with name "taken" already exists' },
      ],
      [
        { paths: ['min_disk_size'], minDiskSizeBytes: 4 * gib },
        { code: 'INVALID_ARGUMENT', message: `Minimal disk size should be greater or equal than ${10 * gib}` },
      ],
    ];
    for (const [changes, error] of cases) await assert.rejects(update(db, image.id, changes), error);
    await assert.rejects(update(db, 'x', {}), { code: 'NOT_FOUND', message: 'Image "x" not found' });
    assert.deepEqual(await getImage({ db }, { imageId: image.id }), image);
  });

  test('deletes at once: the name is free, the labels and the reference go, copies stay', async (t) => {
    const db = await openImageDatabase(t, open);
    const image = await insertReady(db, { name: 'mine', labels: { a: 'b' } });
    const copy = await create(db, { source: { kind: 'image', imageId: image.id } });
    const operation = await deleteImage({ db, kinds, runner }, { imageId: image.id }, caller);
    assert.deepEqual([operation.kind, operation.done, operation.result], ['image.delete', true, {}]);
    assert.deepEqual([operation.resourceName, operation.zoneId], ['mine', '']);
    await assert.rejects(getImage({ db }, { imageId: image.id }), { code: 'NOT_FOUND' });
    assert.deepEqual(await db.read.selectFrom('image_labels').selectAll().execute(), []);
    assert.deepEqual(await references(db), [copy.resourceId]);
    await create(db, { name: 'mine' });
    await assert.rejects(deleteImage({ db, kinds, runner }, { imageId: image.id }, caller), {
      code: 'NOT_FOUND',
      message: `Image "${image.id}" not found`,
    });
  });

  test('deleting an image that is CREATING cancels its import', async (t) => {
    const db = await openImageDatabase(t, open);
    const running = createRunner({ db, kinds, log: pino({ level: 'silent' }), ownerId: 'one' });
    const stopped = Promise.withResolvers<unknown>();
    importKind.run = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.resolve(signal.reason);
          reject(signal.reason);
        });
      });
    await running.start();
    try {
      const creation = await createImage(
        { db, runner: running, contents, checkUri },
        createRequest({ name: 'mine' }),
        caller,
      );
      while (running.activeCount === 0) await new Promise(setImmediate);
      await deleteImage({ db, kinds, runner: running }, { imageId: creation.resourceId }, caller);
      assert.equal((await getOperation({ db }, { operationId: creation.id })).error?.code, 'CANCELLED');
      assert.equal(await findImage(db.read, creation.resourceId), undefined);
      await stopped.promise;
    } finally {
      await running.stop();
    }
  });

  test('the latest of a family is the newest that is READY, in its folder', async (t) => {
    const db = await openImageDatabase(t, open);
    const at = (ms: number) => ({ family: 'fam', createdAt: new Date(ms) });
    await insertReady(db, at(1));
    const latest = await insertReady(db, { ...at(3), id: 'fd8bbbbbbbbbbbbbbbbb' });
    await insertReady(db, { ...at(3), id: 'fd8aaaaaaaaaaaaaaaaa' });
    await insertReady(db, { ...at(5), family: 'other' });
    await db.transact((tx) => insertImage(tx, makeImage({ ...at(9), status: 'CREATING', volumeId: undefined })));
    assert.deepEqual(await getLatestByFamily({ db }, { folderId, family: 'fam' }), latest);
    const missing = [
      [{ folderId, family: 'none' }, 'Image "none" not found'],
      [{ folderId, family: '' }, 'Image "" not found'],
      [{ folderId: 'x', family: 'fam' }, 'Folder "x" not found'],
    ] as const;
    for (const [request, message] of missing) {
      await assert.rejects(getLatestByFamily({ db }, request), { code: 'NOT_FOUND', message });
    }
  });

  test('lists the operations on an image that is there', async (t) => {
    const db = await openImageDatabase(t, open);
    const { resourceId: imageId, id } = await create(db);
    const renamed = await update(db, imageId, { paths: ['name'], name: 'n' });
    const { operations } = await listImageOperations({ db }, { imageId, pageSize: 0, pageToken: '' });
    assert.deepEqual(new Set(operations.map((operation) => operation.id)), new Set([renamed.id, id]));
    const unknown = listImageOperations({ db }, { imageId: 'x', pageSize: 0, pageToken: '' });
    await assert.rejects(unknown, { code: 'NOT_FOUND', message: 'Image "x" not found' });
  });
});
