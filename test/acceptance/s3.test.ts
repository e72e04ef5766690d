import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListBucketsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Door, DoorError, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { linkTo, type S3Key } from '../fixtures/s3-link.ts';
import { bind, createTenant, type Tenant } from '../fixtures/tenant.ts';

/** Files by S3 into a started service, and images of them by their addresses. */

const opened = new AsyncDisposableStack();
const mib = 1024 * 1024;
const file = noise(12 * mib, 71);
const Bucket = 'an-s3-bucket';
const Key = 'disks/raw disk.img';
const failedPrecondition = 9;
const invalidArgument = 3;
let obraz: Obraz;
let door: Door;
let http: HttpClient;
let owner: Tenant;
let stranger: Tenant;

before(async () => {
  obraz = opened.use(await startObraz());
  door = opened.use(openRestDoor(obraz));
  http = opened.use(openHttp(obraz));
  owner = await createTenant(door, 'owner');
  stranger = await createTenant(door, 'stranger');
});
after(() => opened.disposeAsync());

async function makeKey({ id: serviceAccountId, token }: Tenant): Promise<S3Key & { readonly id: string }> {
  const { body } = await door.call('AccessKeyService.Create', { serviceAccountId }, { token });
  return { id: body.accessKey.id, keyId: body.accessKey.keyId, secret: body.secret };
}

function openS3({ keyId, secret }: S3Key): S3Client {
  const httpsAgent = new Agent({ ca: obraz.ca });
  const client = new S3Client({
    endpoint: `https://${obraz.endpoint}`,
    region: 'ru-central1',
    credentials: { accessKeyId: keyId, secretAccessKey: secret },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { httpsAgent },
  });
  opened.defer(() => client.destroy());
  opened.defer(() => httpsAgent.destroy());
  return client;
}

/** Sends the file in two parts, the second one first. */
async function sendInParts(client: S3Client): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const send = async (PartNumber: number, Body: Uint8Array) => {
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  const last = await send(2, file.subarray(8 * mib));
  const Parts = [await send(1, file.subarray(0, 8 * mib)), last];
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
}

async function importFrom(uri: string, { folderId, token }: Tenant): Promise<Buffer> {
  const { body: started } = await door.call('ImageService.Create', { folderId, uri }, { token });
  const done = await untilDone(door, started.id);
  assert.equal(done.error, undefined, JSON.stringify(done.error));
  const { bytes } = await http.content(done.response.id);
  await door.call('ImageService.Delete', { imageId: done.response.id });
  return bytes;
}

const refused = (code: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DoorError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('an image is made of what was put into a bucket, by who may read it or was given a link', async () => {
  const key = await makeKey(owner);
  const client = openS3(key);
  await client.send(new CreateBucketCommand({ Bucket }));
  await sendInParts(client);
  const url = `https://${obraz.endpoint}/${Bucket}/${encodeURI(Key)}`;
  assert.ok(file.equals(await importFrom(url, owner)), 'at the address of the service');
  const publicUrl = `https://storage.yandexcloud.net/${Bucket}/${encodeURI(Key)}`;
  assert.ok(file.equals(await importFrom(publicUrl, owner)), 'at the address that clients of Object Storage know');
  assert.ok(file.equals(await importFrom(`https://${Bucket}.storage.yandexcloud.net/${encodeURI(Key)}`, owner)));
  const link = linkTo(url, key);
  assert.ok(file.equals((await http.ask(link.slice(link.indexOf('/', 8)), { token: undefined })).bytes), 'by HTTP');
  assert.ok(file.equals(await importFrom(link, stranger)), 'by a link, for somebody else');

  const { folderId, token } = stranger;
  const ask = (uri: string) => door.call('ImageService.Create', { folderId, uri }, { token });
  const notFound = refused(failedPrecondition, /^Object "an-s3-bucket\/.*" not found$/);
  await assert.rejects(ask(url), notFound);
  await assert.rejects(ask(`${url}x`), notFound);
  const notGood = refused(invalidArgument, /link is not good: The request signature/);
  await assert.rejects(ask(link.replace('raw%20disk', 'raw%20disc')), notGood);
  await assert.rejects(ask(link.replace('Expires=600', 'Expires=700')), notGood);
  await assert.rejects(ask(linkTo(url, await makeKey(stranger))), notFound);
});

test('an access key is good for what its account may do, until it is deleted', async () => {
  const key = await makeKey(stranger);
  const client = openS3(key);
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key })), { name: 'NoSuchBucket' });
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  assert.deepEqual(Buckets, []);
  await bind(door, 'Folder', owner.folderId, 'compute.editor', stranger.id);
  const { ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=0-9' }));
  assert.equal(ContentLength, 10);
  const link = linkTo(`https://${obraz.endpoint}/${Bucket}/${encodeURI(Key)}`, key);
  await door.call('AccessKeyService.Delete', { accessKeyId: key.id });
  await assert.rejects(client.send(new ListBucketsCommand({})), { name: 'InvalidAccessKeyId' });
  const answer = await http.ask(link.slice(link.indexOf('/', 8)), { token: undefined });
  assert.deepEqual(
    [answer.status, /<Code>(.*)<\/Code>/.exec(answer.bytes.toString())?.[1]],
    [403, 'InvalidAccessKeyId'],
  );
});
