import assert from 'node:assert/strict';
import test from 'node:test';
import { linkTo } from '../../../test/fixtures/s3-link.ts';
import { findStorageSource, type StorageSourceFunctions } from './storage-source.ts';

const key = { keyId: 'YCAJEaaaaaaaaaaaaaaaaaaaa', secret: 'a'.repeat(40) };
const signer = { id: 'aje-signer', kind: 'serviceAccount' } as const;
const caller = { id: 'aje-caller', kind: 'serviceAccount' } as const;
const address = 'localhost:8443';
const here = `https://${address}/a-bucket/x`;
const there = 'https://storage.yandexcloud.net/a-bucket/x';
const ours = { kind: 'uri', uri: 'upload:x', objectsFolderId: 'own' };

/** A bucket in the folder `own`, whose cloud has the folder `near`, too. */
async function find(uri: string, folderId = 'near', change: Partial<StorageSourceFunctions> = {}) {
  const readers: string[] = [];
  const functions: StorageSourceFunctions = {
    findObject: async ({ bucket }) => (bucket === 'a-bucket' ? { uri: 'upload:x', folderId: 'own' } : undefined),
    isBucketInCloudOf: async (bucket, folder) => bucket === 'a-bucket' && folder === 'near',
    findAccessKey: async (id) =>
      id === key.keyId ? { subject: signer, folderId: 'own', secret: key.secret } : undefined,
    authorize: async ({ id }) => void readers.push(id),
    ...change,
  };
  return { source: await findStorageSource(functions, uri, { subject: caller, folderId, address }), readers };
}

test('an address here is the object, whatever the cloud; a public one in the own cloud alone', async () => {
  for (const [uri, folderId] of [
    [here, 'near'],
    [here, 'far'],
    [there, 'near'],
    ['https://a-bucket.storage.yandexcloud.net/x', 'near'],
  ] as const) {
    assert.deepEqual(await find(uri, folderId), { source: ours, readers: [caller.id] }, `${uri} ${folderId}`);
  }
  for (const uri of [
    there,
    'https://a-bucket.storage.yandexcloud.net/x',
    'https://storage.yandexcloud.kz/a-bucket/x',
  ]) {
    assert.deepEqual(await find(uri, 'far'), { source: { kind: 'uri', uri }, readers: [] }, uri);
  }
});

test('a link of the public service is the object for any cloud when a key from here signed it', async () => {
  assert.deepEqual(await find(linkTo(there, key), 'far'), { source: ours, readers: [signer.id] });
  for (const uri of [linkTo(there, { ...key, keyId: 'YCAJEbbbbbbbbbbbbbbbbbbbb' }), `${there}?X-Amz-Signature=x`]) {
    assert.deepEqual(await find(uri, 'far'), { source: { kind: 'uri', uri }, readers: [] }, uri);
  }
  await assert.rejects(find(linkTo(there, { ...key, secret: 'b' }), 'far'), /link is not good: The request signature/);
});

test('refuses a link that was signed for something else than to read the object', async () => {
  assert.deepEqual((await find(linkTo(here, key))).source, ours);
  const other = linkTo(here, key, { query: [['uploadId', 'y']] });
  await assert.rejects(find(other), { code: 'INVALID_ARGUMENT', message: /something else than to read the object/ });
});
