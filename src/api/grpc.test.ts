import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import test from 'node:test';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { authorized, grpcClient, someImage, someOperation, startApi } from '../../test/fixtures/api-fixture.ts';
import { dataLoss } from '../errors.ts';
import { BadRequestSchema, RequestInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { CreateImageMetadataSchema, ImageService } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { ApiEndpointService } from '../gen/yandex/cloud/endpoint/api_endpoint_service_pb.ts';
import { OperationService } from '../gen/yandex/cloud/operation/operation_service_pb.ts';

test('answers a call under both names of a service, with the type URLs of the name called', async () => {
  await using api = await startApi({ operations: { getOperation: async () => someOperation() } });
  using client = grpcClient(api.target);
  for (const prefix of ['yandex.cloud.', '']) {
    const reply = await client.call(
      OperationService.method.get,
      { operationId: 'fd8o' },
      { name: `${prefix}operation.OperationService` },
    );
    assert.ok(reply.ok);
    assert.equal(reply.message.metadata?.typeUrl, `type.googleapis.com/${prefix}compute.v1.CreateImageMetadata`);
  }
});

test('replies with Operation carry the poll interval, and every reply its request id', async () => {
  await using api = await startApi({ images: { getImage: async () => someImage() } });
  using client = grpcClient(api.target);
  const source = { case: 'uri', value: 'https://images.example/a.qcow2' } as const;
  const created = await client.call(
    ImageService.method.create,
    { folderId: 'b1g', source },
    { metadata: { 'x-request-id': 'my-request' } },
  );
  assert.ok(created.ok);
  assert.deepEqual(created.metadata.get('x-operation-poll-interval'), ['1']);
  assert.deepEqual(created.metadata.get('x-request-id'), ['my-request']);
  assert.equal(created.metadata.get('x-server-trace-id').length, 1);
  assert.ok(created.message.metadata !== undefined);
  assert.equal(anyUnpack(created.message.metadata, CreateImageMetadataSchema)?.imageId, someOperation().resourceId);

  const image = await client.call(ImageService.method.get, { imageId: 'fd8' });
  assert.ok(image.ok);
  assert.deepEqual(image.metadata.get('x-operation-poll-interval'), []);
  assert.match(String(image.metadata.get('x-request-id')[0]), /^[0-9a-f-]{36}$/);
  assert.equal(image.message.size, 2n ** 32n);
  assert.equal(image.message.hardwareGeneration?.features.case, 'legacyFeatures');
});

test('errors carry their details and the request id', async () => {
  await using api = await startApi();
  using client = grpcClient(api.target);
  const missing = await client.call(ImageService.method.get, { imageId: 'fd8x' });
  assert.ok(!missing.ok);
  assert.equal(missing.code, 'NOT_FOUND');
  assert.equal(missing.error.details, 'Image "fd8x" not found');
  const info = missing.status?.details.map((detail) => anyUnpack(detail, RequestInfoSchema)).find(Boolean);
  assert.deepEqual(missing.error.metadata.get('x-request-id'), [info?.requestId]);

  const invalid = await client.call(ImageService.method.get, { imageId: '' });
  assert.ok(!invalid.ok);
  assert.equal(invalid.code, 'INVALID_ARGUMENT');
  assert.equal(invalid.error.details, 'Request validation error: image_id: value is required');
  const bad = invalid.status?.details.map((detail) => anyUnpack(detail, BadRequestSchema)).find(Boolean);
  assert.equal(bad?.fieldViolations[0]?.field, 'image_id');
});

test('asks for a token everywhere but where one cannot have it yet', async () => {
  await using api = await startApi();
  using client = grpcClient(api.target);
  const without = { metadata: { authorization: '' } };
  const endpoints = await client.call(ApiEndpointService.method.list, {}, without);
  assert.ok(endpoints.ok);
  assert.deepEqual(new Set(endpoints.message.endpoints.map(({ address }) => address)), new Set([api.target]));
  assert.ok(endpoints.message.endpoints.some(({ id }) => id === 'resource-manager'));

  const nothing = await client.call(ImageService.method.get, { imageId: '' }, without);
  assert.ok(!nothing.ok);
  assert.equal(nothing.error.details, 'IAM token or API key has to be passed in request');
  assert.equal(nothing.code, 'UNAUTHENTICATED');
});

test('what goes wrong inside stays inside', async () => {
  await using api = await startApi({
    images: {
      getImage: async () => {
        throw new Error('the password is hunter2');
      },
      getLatestByFamily: async () => {
        throw dataLoss('Image "x" cannot be read', new Error('chunk 4711 of /data/packs'));
      },
    },
  });
  using client = grpcClient(api.target);
  const broken = await client.call(ImageService.method.get, { imageId: 'fd8' });
  assert.ok(!broken.ok);
  assert.equal(broken.code, 'INTERNAL');
  assert.ok(!JSON.stringify(broken.error).includes('hunter2'));
  const lost = await client.call(ImageService.method.getLatestByFamily, { folderId: 'b1g' });
  assert.ok(!lost.ok);
  assert.equal(lost.code, 'DATA_LOSS');
  assert.ok(!JSON.stringify(lost.error).includes('4711'));
});

test('bytes that are no message, unknown methods and messages past 4 MiB have clear statuses', async () => {
  await using api = await startApi();
  using client = grpcClient(api.target);
  const path = '/yandex.cloud.compute.v1.ImageService/Get';
  const garbage = await client.callBytes(path, Buffer.from('ffffffff', 'hex'));
  assert.ok(!garbage.ok && garbage.code === 'INVALID_ARGUMENT');
  assert.ok(garbage.status !== undefined);
  const unknown = await client.callBytes('/yandex.cloud.compute.v1.ImageService/Nope', new Uint8Array(0));
  assert.ok(!unknown.ok && unknown.code === 'UNIMPLEMENTED');
  const large = await client.callBytes(path, new Uint8Array(4 * 1024 * 1024 + 1));
  assert.ok(!large.ok && large.code === 'RESOURCE_EXHAUSTED');
});

test('a deadline ends the call', async () => {
  await using api = await startApi({ operations: { getOperation: () => new Promise(() => {}) } });
  using client = grpcClient(api.target);
  const deadline = new Date(Date.now() + 100);
  const late = await client.call(OperationService.method.get, { operationId: 'x' }, { deadline });
  assert.ok(!late.ok && late.code === 'DEADLINE_EXCEEDED');
});

test('a repeated request has the same hash whatever the order of its map entries, another request another', async () => {
  const hashes: string[] = [];
  const keys: (string | undefined)[] = [];
  await using api = await startApi({
    images: {
      createImage: async (_request, caller) => {
        hashes.push(caller.requestHash);
        keys.push(caller.idempotencyKey);
        return someOperation();
      },
    },
  });
  using client = grpcClient(api.target);
  const source = { case: 'uri', value: 'https://images.example/a.qcow2' } as const;
  const metadata = { 'idempotency-key': '3e7c1a52-0000-4000-8000-000000000000' };
  for (const labels of [{ a: '1', b: '2' }, { b: '2', a: '1' }, { a: '1' }]) {
    await client.call(ImageService.method.create, { folderId: 'b1g', labels, source }, { metadata });
  }
  const sent = await fetch(`${api.url}/compute/v1/images`, {
    method: 'POST',
    headers: { ...authorized, ...metadata },
    body: JSON.stringify({ uri: source.value, folderId: 'b1g', labels: { b: '2', a: '1' } }),
  });
  assert.equal(sent.status, 200);
  assert.deepEqual(new Set(keys), new Set([metadata['idempotency-key']]));
  assert.match(hashes[0] ?? '', /^[0-9a-f]{64}$/);
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
  assert.equal(hashes[0], hashes[3]);
});

test('pings without a call are answered, however many come, and never with GOAWAY', async () => {
  await using api = await startApi();
  const session = connect(api.url);
  session.on('goaway', (code: number) => assert.fail(`GOAWAY ${code}`));
  await once(session, 'connect');
  for (let count = 0; count < 50; count++) {
    await new Promise<void>((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
  }
  session.close();
});
