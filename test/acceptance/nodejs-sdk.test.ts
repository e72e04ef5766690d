import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Session, waitForOperation } from '@yandex-cloud/nodejs-sdk';
import { imageService, image as images } from '@yandex-cloud/nodejs-sdk/compute-v1';
import { operationService, type operation as operations } from '@yandex-cloud/nodejs-sdk/operation';
import { importPKCS8, SignJWT } from 'jose';
import { DoorError, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** The unmodified SDK from npm, as its users write it: a session with an IAM token, an endpoint and our own CA. */

const { CreateImageMetadata, CreateImageRequest, ImageServiceClient } = imageService;

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
});
after(() => opened.disposeAsync());

/** By name: the grpc-js that the SDK uses can't check a certificate against an address. */
const endpointOf = ({ endpoint }: Obraz) => endpoint.replace('127.0.0.1', 'localhost');

function openSdk(iamToken = obraz.token) {
  const endpoint = endpointOf(obraz);
  const session = new Session({ iamToken, ssl: { rootCerts: Buffer.from(obraz.ca) }, pollInterval: 50 });
  return {
    images: session.client(ImageServiceClient, endpoint),
    operations: session.client(operationService.OperationServiceClient, endpoint),
    /** The SDK's own way to wait, at our endpoint. */
    wait: (operation: operations.Operation) => waitForOperation(operation, session, 20_000, endpoint),
  };
}

/** The Any of an operation, in the SDK's own types. */
function unpack<T>(any: { typeUrl: string; value: Uint8Array } | undefined, name: string, decode: (b: Buffer) => T): T {
  assert.equal(any?.typeUrl, `type.googleapis.com/${name}`);
  return decode(Buffer.from(any.value));
}

const imageIn = (any: operations.Operation['response']) =>
  unpack(any, 'yandex.cloud.compute.v1.Image', (bytes) => images.Image.decode(bytes));
const createdIn = (any: operations.Operation['metadata']) =>
  unpack(any, 'yandex.cloud.compute.v1.CreateImageMetadata', (bytes) => CreateImageMetadata.decode(bytes));

test('creates an image, waits, changes, finds and deletes it', async () => {
  const sdk = openSdk();
  const { folderId } = obraz;
  const disk = smallDisk(11);
  const started = await sdk.images.create(
    CreateImageRequest.fromPartial({
      folderId,
      name: 'from-the-sdk',
      description: 'made by the SDK',
      labels: { made: 'by-sdk' },
      family: 'sdk',
      uri: files.put('sdk.qcow2', disk.qcow2),
    }),
  );
  assert.equal(started.done, false);
  assert.ok(started.createdAt instanceof Date);
  const { imageId } = createdIn(started.metadata);

  const done = await sdk.wait(started);
  const made = imageIn(done.response);
  const image = await sdk.images.get({ imageId });
  assert.deepEqual(image, made);
  assert.equal(image.status, images.Image_Status.READY);
  assert.deepEqual(image.labels, { made: 'by-sdk' });
  // 64-bit numbers are plain numbers there.
  assert.equal(image.minDiskSize, disk.guest.length);
  assert.equal(typeof image.storageSize, 'number');

  const updated = await sdk.wait(
    await sdk.images.update(
      imageService.UpdateImageRequest.fromPartial({
        imageId,
        updateMask: { paths: ['description', 'min_disk_size'] },
        description: 'changed by the SDK',
        // The largest that is allowed, far beyond 32 bits.
        minDiskSize: 4 * 2 ** 40,
      }),
    ),
  );
  assert.equal(imageIn(updated.response).minDiskSize, 4 * 2 ** 40);
  assert.equal((await sdk.images.get({ imageId })).description, 'changed by the SDK');

  const list = async (filter: string) => {
    const reply = await sdk.images.list(imageService.ListImagesRequest.fromPartial({ folderId, filter, pageSize: 10 }));
    return reply.images.map(({ id }) => id);
  };
  assert.deepEqual(await list('name = "from-the-sdk"'), [imageId]);
  assert.deepEqual(await list('name = "another"'), []);
  assert.deepEqual(await list('labels.made = "by-sdk" AND status = "READY"'), [imageId]);
  assert.equal((await sdk.images.getLatestByFamily({ folderId, family: 'sdk' })).id, imageId);

  const history = await sdk.images.listOperations(
    imageService.ListImageOperationsRequest.fromPartial({ imageId, pageSize: 10 }),
  );
  assert.deepEqual(
    history.operations.map(({ description }) => description),
    ['Update image', 'Create image'],
  );

  const deleted = await sdk.wait(await sdk.images.delete({ imageId }));
  assert.equal(deleted.response?.typeUrl, 'type.googleapis.com/google.protobuf.Empty');
  await assert.rejects(sdk.images.get({ imageId }), /NOT_FOUND: Image "\w+" not found/);
});

test('lists page after page with the tokens it was given', async () => {
  const sdk = openSdk();
  const uri = files.put('page.raw', noise(4096, 12));
  const request = (name: string) => CreateImageRequest.fromPartial({ folderId: obraz.folderId, name, uri });
  for (const name of ['page-a', 'page-b', 'page-c']) await sdk.wait(await sdk.images.create(request(name)));
  const names: string[] = [];
  let pageToken = '';
  do {
    const page = await sdk.images.list(
      imageService.ListImagesRequest.fromPartial({
        folderId: obraz.folderId,
        filter: 'name IN ("page-a", "page-b", "page-c")',
        orderBy: 'name desc',
        pageSize: 2,
        pageToken,
      }),
    );
    names.push(...page.images.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  assert.deepEqual(names, ['page-c', 'page-b', 'page-a']);
});

test('cancels an import, and its waiting ends with the operation that says so', async () => {
  const sdk = openSdk();
  const uri = files.put('slow.raw', noise(16 << 20, 13));
  files.limit(1 << 20);
  try {
    const started = await sdk.images.create(CreateImageRequest.fromPartial({ folderId: obraz.folderId, uri }));
    const waiting = assert.rejects(sdk.wait(started), { id: started.id, done: true });
    const cancelled = await sdk.operations.cancel({ operationId: started.id });
    assert.equal(cancelled.done, true);
    assert.equal(cancelled.error?.code, 1);
    await waiting;
    const { imageId } = createdIn(started.metadata);
    await assert.rejects(sdk.images.get({ imageId }), /NOT_FOUND/);
  } finally {
    files.limit(Number.POSITIVE_INFINITY);
  }
});

test('a failed import rejects the waiting with the reason', async () => {
  const sdk = openSdk();
  const request = { folderId: obraz.folderId, uri: `${files.origin}/missing` };
  const started = await sdk.images.create(CreateImageRequest.fromPartial(request));
  await assert.rejects(sdk.wait(started), (failed: operations.Operation) => {
    assert.equal(failed.error?.code, 5);
    assert.match(failed.error.message, /404/);
    return true;
  });
});

test('a wrong call fails with the code and the words of the service', async () => {
  const sdk = openSdk();
  const request = { folderId: obraz.folderId, name: 'Upper Case', uri: `${files.origin}/x` };
  // A status without headers before it: the SDK makes an error with a code of such only, and tries again what may pass.
  await assert.rejects(sdk.images.create(CreateImageRequest.fromPartial(request)), {
    name: 'ClientError',
    code: 3,
    details: /^Request validation error: name: /,
  });
  await assert.rejects(sdk.images.get({ imageId: 'fd8unknown' }), { code: 5, details: 'Image "fd8unknown" not found' });
  await assert.rejects(sdk.images.create(CreateImageRequest.fromPartial({ folderId: obraz.folderId })), { code: 3 });
  const stranger = openSdk('t1.nobody.nothing');
  await assert.rejects(stranger.images.get({ imageId: 'x' }), { code: 16, details: 'The token is invalid' });
});

describe('tokens for the JWT of a service account', () => {
  /** As it stands in credentials/admin-key.json. */
  interface KeyFile {
    readonly id: string;
    readonly service_account_id: string;
    readonly private_key: string;
  }
  let key: KeyFile;
  before(async () => {
    key = JSON.parse(await readFile(join(obraz.dataDirectory, 'credentials', 'admin-key.json'), 'utf8'));
  });

  interface Claims {
    readonly alg?: string;
    readonly kid?: string;
    readonly aud?: string | string[];
    readonly iss?: string;
    readonly issuedAt?: number;
    readonly lifeSeconds?: number;
  }

  /** What the SDKs sign, unless said otherwise. */
  async function signJwt({ alg = 'PS256', kid = key.id, iss = key.service_account_id, ...rest }: Claims = {}) {
    const { aud = 'https://iam.api.cloud.yandex.net/iam/v1/tokens', lifeSeconds = 3600 } = rest;
    const issuedAt = rest.issuedAt ?? Math.floor(Date.now() / 1000);
    return new SignJWT({ iss, aud, iat: issuedAt, exp: issuedAt + lifeSeconds })
      .setProtectedHeader({ alg, typ: 'JWT', kid })
      .sign(await importPKCS8(key.private_key, alg));
  }

  test('a token works through both doors and with the SDK', async () => {
    await using grpc = openGrpcDoor(obraz);
    await using rest = openRestDoor(obraz);
    for (const door of [grpc, rest]) {
      for (const aud of ['https://iam.api.cloud.yandex.net/iam/v1/tokens', [`https://${door.address}/iam/v1/tokens`]]) {
        const jwt = await signJwt({ aud });
        const { body } = await door.call('IamTokenService.Create', { jwt }, { token: undefined });
        assert.match(body.iamToken, /^t1\.[A-Z0-9a-z_-]+[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2}$/);
        const lifeMs = Date.parse(body.expiresAt) - Date.now();
        assert.ok(lifeMs > 0 && lifeMs <= 12 * 60 * 60 * 1000, `${lifeMs} ms`);
        for (const other of [grpc, rest]) {
          const folder = await other.call('FolderService.Get', { folderId: obraz.folderId }, { token: body.iamToken });
          assert.equal(folder.body.name, 'default');
        }
        const sdk = openSdk(body.iamToken);
        await sdk.images.list(imageService.ListImagesRequest.fromPartial({ folderId: obraz.folderId }));
      }
    }
  });

  test('a JWT that is not right in every way is refused', async () => {
    const now = Math.floor(Date.now() / 1000);
    const wrong: [string, () => Promise<string>, RegExp][] = [
      ['expired', () => signJwt({ issuedAt: now - 7200 }), /expired/],
      ['from the future', () => signJwt({ issuedAt: now + 3600 }), /future/],
      ['too long a life', () => signJwt({ lifeSeconds: 7200 }), /more than an hour/],
      ['another algorithm', () => signJwt({ alg: 'RS256' }), /PS256/],
      ['an unknown key', () => signJwt({ kid: 'aje00000000000000000' }), /key is unknown/],
      ['another account', () => signJwt({ iss: 'aje00000000000000000' }), /issuer/],
      ['for somebody else', () => signJwt({ aud: 'https://example.com/' }), /audience/],
      ['changed on its way', async () => `${(await signJwt()).slice(0, -6)}AAAAAA`, /signature/],
      ['no JWT', async () => 'hello', /not a JWT/],
    ];
    for (const open of [openGrpcDoor, openRestDoor]) {
      await using door = open(obraz);
      for (const [what, make, message] of wrong) {
        const jwt = await make();
        const call = door.call('IamTokenService.Create', { jwt }, { token: undefined });
        await assert.rejects(call, (error: unknown) => {
          assert.ok(error instanceof DoorError, what);
          assert.equal(error.code, 16, what);
          assert.match(error.message, message, what);
          return true;
        });
      }
      for (const body of [{}, { yandexPassportOauthToken: 'y0_x' }]) {
        await assert.rejects(door.call('IamTokenService.Create', body, { token: undefined }), DoorError);
      }
    }
  });
});
