import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import test from 'node:test';
import { IndexFetcher, indexLimits } from './fetch-index.ts';

/** A publisher that does what it likes. Returns its origin. */
async function publish(t: { after(end: () => void): void }, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

async function fetched(url: string, options: Partial<ConstructorParameters<typeof IndexFetcher>[0]> = {}) {
  await using fetcher = new IndexFetcher({ origins: [], signal: new AbortController().signal, ...options });
  return await fetcher.fetch(url);
}

test('fetches an index once, where its redirects lead', async (t) => {
  let asked = 0;
  const origin = await publish(t, ({ url }, response) => {
    asked += 1;
    if (url === '/a') response.writeHead(302, { location: '/b?x=1' }).end('moved');
    else response.end('текст');
  });
  await using fetcher = new IndexFetcher({ origins: [], signal: new AbortController().signal });
  const [one, other] = await Promise.all([fetcher.fetch(`${origin}/a`), fetcher.fetch(`${origin}/a`)]);
  assert.deepEqual(one, { url: `${origin}/b?x=1`, text: 'текст' });
  assert.equal(other, one);
  assert.equal(asked, 2);
});

test('follows redirects to another origin only when it is listed', async (t) => {
  const target = await publish(t, (_request, response) => void response.end('there'));
  const origin = await publish(t, (_request, response) => void response.writeHead(301, { location: target }).end());
  await assert.rejects(fetched(`${origin}/i?secret`), {
    name: 'UpstreamFailed',
    message: `${origin}/i redirects to ${target}/, which is not of its origin; if that is meant, list ${target} under "origins"`,
  });
  assert.equal((await fetched(`${origin}/i`, { origins: [target] })).text, 'there');
});

test('bounds what a publisher can make it do', async (t) => {
  const limits = { ...indexLimits, maxBytes: 1000, maxTimeMs: 1000, silenceMs: 500 };
  const origin = await publish(t, (request, response) => {
    switch (request.url) {
      case '/loop':
        return void response.writeHead(307, { location: '/loop' }).end();
      case '/said':
        return void response.writeHead(200, { 'content-length': 1001 }).end('x'.repeat(1001));
      case '/unsaid':
        for (let piece = 0; piece < 50; piece += 1) response.write('x'.repeat(100));
        return void response.end();
      case '/packed':
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
      case '/bytes':
        return void response.end(Buffer.of(0xff, 0xfe));
      case '/nowhere':
        return void response.writeHead(302, { location: 'http://[' }).end();
      case '/broken':
        return void response.writeHead(500).end('oops');
      case '/cut':
        response.writeHead(200, { 'content-length': 100 }).write('x');
        return void response.destroy();
      case '/drip': {
        const drip = setInterval(() => response.write('x'), 100);
        return void response.once('close', () => clearInterval(drip));
      }
      default: // nothing at all
    }
  });
  for (const [path, problem] of [
    ['/loop', /redirects more than 5 times$/],
    ['/said', /is longer than 1000 B, and no index is$/],
    ['/unsaid', /is longer than 1000 B, and no index is$/],
    ['/packed', /is packed as "gzip", which was not asked for$/],
    ['/bytes', /is not text$/],
    ['/nowhere', /answered with HTTP status 302$/],
    ['/broken', /answered with HTTP status 500$/],
    ['/cut', /cannot be read: /],
    ['/drip', /was not read in 1 s$/],
    ['/silence', /cannot be read: .*[Tt]imeout/],
  ] as const) {
    await assert.rejects(fetched(origin + path, { limits }), { name: 'UpstreamFailed', message: problem }, path);
  }
});

test('ends with whoever asked', async (t) => {
  const left = new AbortController();
  const origin = await publish(t, () => left.abort(new Error('left')));
  await assert.rejects(fetched(origin, { signal: left.signal }), /left/);
});
