import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type ComputeClient, openCompute, rawTarball } from '../../fixtures/compute-client.ts';
import { startFileServer } from '../../fixtures/file-server.ts';
import { noise } from '../../fixtures/guest.ts';
import { openHttp } from '../../fixtures/http-client.ts';
import { startObraz, temporaryDirectory } from '../../fixtures/obraz.ts';
import { prepareGcloud, whyMissing } from '../prepared.ts';

const prepared = await prepareGcloud();
const run = promisify(execFile);

/** A line to the service on which `before` is awaited ahead of every request. */
async function startLine(
  http: ReturnType<typeof openHttp>,
  before: (path: string) => Promise<void>,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer((request, response) => {
    void forward(request).then(
      ({ status, bytes }) => response.writeHead(status, { 'content-type': 'application/json' }).end(bytes),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    );
  });
  const forward = async (request: IncomingMessage) => {
    const path = request.url ?? '/';
    const body = await buffer(request);
    await before(path);
    const method = request.method === 'POST' ? 'POST' : 'GET';
    return await http.ask(path, { method, ...(body.length === 0 ? {} : { body }) });
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port, // listens on a port: it is no pipe
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('gcloud tells that the labels of an image were changed between its look and its change', {
  skip: whyMissing(prepared),
}, async () => {
  await using folder = await temporaryDirectory();
  await using files = await startFileServer();
  await using obraz = await startObraz({ flags: ['--object-store', files.origin] });
  await using compute: ComputeClient = openCompute(obraz);
  await using http = openHttp(obraz);
  files.put('bucket/disk.tar.gz', rawTarball(noise(4096, 1)));
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/disk.tar.gz' };
  await compute.change('POST', 'global/images', { body: { name: 'image', rawDisk, labels: { env: 'test' } } });

  let changes = 0;
  await using line = await startLine(http, async (path) => {
    if (!path.includes('/setLabels') || changes > 0) return;
    changes += 1;
    const { labelFingerprint } = await compute.get('global/images/image');
    const body = { labels: { env: 'test', by: 'another' }, labelFingerprint };
    await compute.change('POST', 'global/images/image/setLabels', { body });
  });
  const tokenPath = join(folder.path, 'token');
  await writeFile(tokenPath, obraz.token);
  const env = {
    ...process.env,
    CLOUDSDK_CONFIG: join(folder.path, 'gcloud'),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `http://127.0.0.1:${line.port}/compute/v1/`,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: tokenPath,
    CLOUDSDK_CORE_PROJECT: obraz.folderId,
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
  };
  const label = () =>
    run('gcloud', ['compute', 'images', 'add-labels', 'image', '--labels=mine=too'], { env, timeout: 120_000 });
  await assert.rejects(label(), /Labels fingerprint either invalid or resource labels have changed/);
  assert.equal(changes, 1);
  assert.deepEqual((await compute.get('global/images/image')).labels, { env: 'test', by: 'another' });
  await label();
  assert.deepEqual((await compute.get('global/images/image')).labels, { env: 'test', by: 'another', mine: 'too' });
});
