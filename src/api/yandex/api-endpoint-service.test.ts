import assert from 'node:assert/strict';
import test from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { request } from 'undici';
import { type FakeDeps, grpcClient, startApi } from '../../../test/fixtures/api-fixture.ts';
import { ApiEndpointService } from '../../gen/yandex/cloud/endpoint/api_endpoint_service_pb.ts';

/** What SDKs, Terraform and Packer look for, all of it on the first page whatever its size: none of them asks for a second. */
const ids = ['compute', 'endpoint', 'iam', 'operation', 'resource-manager', 'resourcemanager', 'storage'];
const { list } = ApiEndpointService.method;

/** The addresses that a client is told which says that it came to `authority`: of each id over gRPC, and over REST. */
async function told(authority: string, deps: FakeDeps = {}): Promise<string[]> {
  await using api = await startApi(deps);
  using client = grpcClient(api.target, credentials.createInsecure(), { 'grpc.default_authority': authority });
  const reply = await client.call(list, { pageSize: 1n }, { metadata: { authorization: '' } });
  assert.ok(reply.ok && reply.message.nextPageToken === '');
  const { endpoints } = reply.message;
  assert.deepEqual(endpoints.map(({ id }) => id).sort(), ids);

  const { body } = await request(`${api.url}/endpoints?pageSize=1`, { headers: { host: authority } });
  assert.deepEqual(await body.json(), { endpoints: endpoints.map(({ id, address }) => ({ id, address })) });
  return [...new Set(endpoints.map(({ address }) => address.replace(api.target, 'its own address')))];
}

test('every part of the API is at the address that the client came to', async () => {
  assert.deepEqual(await told('images.example.com:8443'), ['images.example.com:8443']);
  assert.deepEqual(await told('images.example.com'), ['images.example.com:443'], 'as clients that leave it out mean');
  assert.deepEqual(await told('[::1]:8443'), ['[::1]:8443']);
});

test('an address that is none is not given back', async () => {
  for (const authority of ['host:99999', 'a..b', '-']) {
    assert.deepEqual(await told(authority), ['its own address'], authority);
  }
});

test('every client is told the public address, if there is one', async () => {
  const deps = { publicAddress: 'images.example.com:443' };
  for (const authority of ['10.0.0.1:8443', 'localhost']) {
    assert.deepEqual(await told(authority, deps), [deps.publicAddress]);
  }
});
