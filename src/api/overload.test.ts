import assert from 'node:assert/strict';
import test from 'node:test';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  type FakeDeps,
  goodToken,
  grpcClient,
  someImage,
  startApi,
  subjectId,
} from '../../test/fixtures/api-fixture.ts';
import type { NewAuditRecord } from '../audit/audit-record.ts';
import { RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { ImageService } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { callLimits } from './call-gate.ts';

const headers = { authorization: `Bearer ${goodToken}` };

/** An API with one place for each caller, of which one has a call until it is released. */
async function startFull(change: FakeDeps = {}) {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const calls = { ...callLimits, running: 2, runningPerCaller: 1, waitingPerCaller: 0, retryMs: 1_500 };
  const api = await startApi({
    ...change,
    limits: { calls },
    images: {
      async getImage() {
        begun.resolve();
        await released.promise;
        return someImage();
      },
    },
  });
  const client = grpcClient(api.target);
  const first = client.call(ImageService.method.get, { imageId: 'fd8' });
  await begun.promise;
  return {
    url: api.url,
    client,
    async [Symbol.asyncDispose]() {
      released.resolve();
      assert.ok((await first).ok);
      client[Symbol.dispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

test('over gRPC, what is too much is RESOURCE_EXHAUSTED with RetryInfo', async () => {
  await using full = await startFull();
  const refused = await full.client.call(ImageService.method.list, { folderId: 'b1g' });
  assert.ok(!refused.ok);
  assert.equal(refused.code, 'RESOURCE_EXHAUSTED');
  const info = refused.status?.details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find(Boolean);
  assert.deepEqual([info?.retryDelay?.seconds, info?.retryDelay?.nanos], [1n, 500_000_000]);
});

test('over REST it is 429 with Retry-After, in the envelope of each API', async () => {
  await using full = await startFull();
  const asked = async (path: string) => {
    const response = await fetch(`${full.url}${path}`, { headers });
    const { status } = response;
    // biome-ignore lint/suspicious/noExplicitAny: a wrong path into the reply is undefined, and fails
    const body: any = await response.json();
    return { status, retryAfter: response.headers.get('retry-after'), body };
  };
  const yandex = await asked('/compute/v1/images?folderId=b1g');
  assert.deepEqual([yandex.status, yandex.retryAfter, yandex.body.code], [429, '2', 8]);
  const compute = await asked('/compute/v1/projects/b1g/global/images');
  assert.deepEqual([compute.status, compute.retryAfter], [429, '2']);
  assert.equal(compute.body.error.code, 429);
  assert.equal(compute.body.error.errors[0].reason, 'rateLimitExceeded');
  const storage = await asked('/storage/v1/b?project=b1g');
  assert.deepEqual([storage.status, storage.retryAfter], [429, '2']);
  assert.equal(storage.body.error.errors[0].reason, 'rateLimitExceeded');
});

test('who comes without a token has another place, and health none', async () => {
  await using full = await startFull();
  const endpoints = await fetch(`${full.url}/endpoints`);
  assert.equal(endpoints.status, 200, await endpoints.text());
  assert.equal((await fetch(`${full.url}/health`)).status, 200);
});

test('a call that was refused for a moment is no refusal for the record', async () => {
  const recorded: NewAuditRecord[] = [];
  await using full = await startFull({ audit: { recordRefusal: (record) => recorded.push(record) } });
  const refused = await full.client.call(ImageService.method.delete, { imageId: 'fd8' });
  assert.ok(!refused.ok);
  assert.equal(refused.code, 'RESOURCE_EXHAUSTED');
  assert.deepEqual(recorded, []);
});

test('figures are for who is on this machine, or shows a token that may have them', async () => {
  const asked: unknown[] = [];
  await using api = await startApi({
    metrics: { type: 'text/plain', read: async () => 'obraz_x 1\n' },
    authorize: async (subject, permission, scope) => void asked.push(subject.id, permission, scope),
  });
  const here = await fetch(`${api.url}/metrics`);
  assert.equal(await here.text(), 'obraz_x 1\n');
  assert.equal(here.headers.get('cache-control'), 'no-store');
  const behind = { 'x-forwarded-for': '192.0.2.7' };
  assert.equal((await fetch(`${api.url}/metrics`, { headers: behind })).status, 401);
  assert.deepEqual(asked, []);
  assert.equal((await fetch(`${api.url}/metrics`, { headers: { ...behind, ...headers } })).status, 200);
  assert.deepEqual(asked, [subjectId, 'obraz.store.manage', 'installation']);
  assert.equal((await fetch(`${api.url}/metrics`, { headers: { authorization: 'Bearer wrong' } })).status, 401);
});
