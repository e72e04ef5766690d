import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { ensureTls } from '../../installation/tls.ts';
import { CliFailed, Interrupted } from '../cli-failed.ts';
import { downloadImage } from './download.ts';

const mib = 2 ** 20;
const extents = [
  { offset: 0, length: 20 * mib, kind: 'data' },
  { offset: 20 * mib, length: 40 * mib, kind: 'hole' },
  { offset: 60 * mib, length: mib + 512, kind: 'data' },
  { offset: 61 * mib + 512, length: 3 * mib - 512, kind: 'zero' },
];
const sizeBytes = 64 * mib;
const content = Buffer.alloc(sizeBytes);
for (const { offset, length, kind } of extents) if (kind === 'data') randomBytes(length).copy(content, offset);

/** A server of one image, whose content requests a test may answer in its own way. */
async function serveImage(answer?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'obraz-download-'));
  const tls = await ensureTls({ directory: directory.path, hosts: ['127.0.0.1'], now: new Date() });
  const ca = await readFile(tls.authorityPath, 'utf8');
  const state = { etag: '"one"', servedBytes: 0, tokens: new Set<string | undefined>() };
  const server = createServer({ cert: tls.certificate, key: tls.privateKey }, (request, response) => {
    state.tokens.add(request.headers.authorization);
    if (request.url === '/obraz/v1/images/fd8/extents') {
      response.end(JSON.stringify({ sizeBytes, extents }));
      return;
    }
    response.setHeader('etag', state.etag);
    if (request.method === 'HEAD') {
      response.setHeader('content-length', sizeBytes);
      response.end();
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const body = content.subarray(Number(first), Number(last) + 1);
    if (request.headers['if-range'] !== state.etag) {
      response.end(content);
      return;
    }
    response.writeHead(206, { 'content-length': body.length, 'content-range': `bytes ${first}-${last}/${sizeBytes}` });
    if (answer?.(request, response, body)) return;
    state.servedBytes += body.length;
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const interrupt = new AbortController();
  const err = new PassThrough();
  const target = join(directory.path, 'disk.raw');
  const download = (force = false) =>
    downloadImage({
      server: { endpoint: `127.0.0.1:${address.port}`, ca, token: 'secret' },
      imageId: 'fd8',
      target,
      force,
      terminal: { out: err, err },
      signal: interrupt.signal,
    });
  return {
    state,
    target,
    interrupt,
    download,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await directory.remove();
    },
  };
}

test('writes the guest bytes as a sparse file, fetching data only', async () => {
  await using image = await serveImage();
  await image.download();
  assert.ok(content.equals(await readFile(image.target)));
  assert.equal(image.state.servedBytes, 21 * mib + 512);
  const { blocks, size } = await stat(image.target);
  assert.equal(size, sizeBytes);
  assert.ok(blocks * 512 < 24 * mib, `${blocks * 512} bytes are allocated`);
  assert.deepEqual([...image.state.tokens], ['Bearer secret']);
  for (const left of ['.partial', '.partial.json']) await assert.rejects(stat(image.target + left), { code: 'ENOENT' });
});

test('tries again where a connection broke', async () => {
  let cuts = 3;
  await using image = await serveImage((_, response, body) => {
    if (cuts === 0 || body.length < 2 * mib) return false;
    cuts--;
    response.write(body.subarray(0, mib), () => response.destroy());
    return true;
  });
  await image.download();
  assert.ok(content.equals(await readFile(image.target)));
});

test('goes on where an interrupted download ended', async () => {
  let held = 0;
  await using image = await serveImage((_, response, body) => {
    if (image.interrupt.signal.aborted || body.length < 16 * mib) return false;
    held += 5 * mib;
    response.write(body.subarray(0, 5 * mib), () => setTimeout(() => image.interrupt.abort(), 100));
    return true;
  });
  await assert.rejects(image.download(), Interrupted);
  await assert.rejects(stat(image.target), { code: 'ENOENT' });
  const record = JSON.parse(await readFile(`${image.target}.partial.json`, 'utf8'));
  assert.equal(record.etag, '"one"');
  assert.ok(held > 0 && record.done.length > 0);
  const doneBefore = record.done.reduce((sum: number, [start, end]: [number, number]) => sum + end - start, 0);

  await using again = await serveImage();
  await writeFile(`${again.target}.partial`, await readFile(`${image.target}.partial`));
  await writeFile(`${again.target}.partial.json`, JSON.stringify(record));
  await again.download();
  assert.ok(content.equals(await readFile(again.target)));
  assert.equal(again.state.servedBytes, 21 * mib + 512 - doneBefore);
});

test('begins anew when the image is another one', async () => {
  await using image = await serveImage();
  await writeFile(`${image.target}.partial`, Buffer.alloc(sizeBytes, 1));
  const record = { etag: '"other"', sizeBytes, done: [[0, sizeBytes]], owner: '' };
  await writeFile(`${image.target}.partial.json`, JSON.stringify(record));
  await image.download();
  assert.ok(content.equals(await readFile(image.target)));
});

test('begins anew when the record of an earlier try is damaged', async () => {
  await using image = await serveImage();
  await writeFile(`${image.target}.partial`, Buffer.alloc(sizeBytes, 1));
  await writeFile(`${image.target}.partial.json`, '{"etag":"\\"one\\"","si');
  await image.download();
  assert.ok(content.equals(await readFile(image.target)));
});

test('fails when the image changes meanwhile', async () => {
  await using image = await serveImage((_, response, body) => {
    image.state.etag = '"two"';
    response.end(body);
    return true;
  });
  await assert.rejects(
    image.download(),
    (error: unknown) => error instanceof CliFailed && /changed/.test(error.message),
  );
});

test('replaces a file only when told to', async () => {
  await using image = await serveImage();
  await writeFile(image.target, 'precious');
  await assert.rejects(
    image.download(),
    (error: unknown) => error instanceof CliFailed && /--force/.test(error.message),
  );
  assert.equal(await readFile(image.target, 'utf8'), 'precious');
  await image.download(true);
  assert.ok(content.equals(await readFile(image.target)));
});
