import assert from 'node:assert/strict';
import test from 'node:test';
import { formatHostPort } from '../lib/host-port.ts';
import { gauge } from './family.ts';
import { createMetrics } from './metrics.ts';
import { listenForScrapes } from './metrics-listener.ts';

const metrics = createMetrics({
  families: [gauge('obraz_x', 'X.', () => 1)],
  onError: (error) => assert.fail(String(error)),
});

test('serves the figures to whoever comes, and nothing else', async () => {
  await using listener = await listenForScrapes(metrics, { host: '127.0.0.1', port: 0 });
  const url = `http://${formatHostPort(listener.address)}`;
  const got = await fetch(`${url}/metrics?x=1`);
  assert.equal(got.status, 200);
  assert.equal(got.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(await got.text(), /^obraz_x 1$/m);
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  for (const [path, method] of [
    ['/', 'GET'],
    ['/metrics', 'POST'],
    ['/compute/v1/images', 'GET'],
  ] as const) {
    const answer = await fetch(`${url}${path}`, { method });
    assert.equal(answer.status, 404, path);
    await answer.body?.cancel();
  }
});

test('closes with those that are connected', async () => {
  const listener = await listenForScrapes(metrics, { host: '127.0.0.1', port: 0 });
  const url = `http://${formatHostPort(listener.address)}`;
  await (await fetch(`${url}/metrics`)).text(); // and keeps the connection
  await listener[Symbol.asyncDispose]();
  await assert.rejects(fetch(`${url}/metrics`));
});
