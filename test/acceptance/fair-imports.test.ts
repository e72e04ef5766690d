import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BadServer, startBadServer } from '../fixtures/bad-server.ts';
import { type Door, openGrpcDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { finish } from '../fixtures/finish-operation.ts';
import { noise } from '../fixtures/guest.ts';
import { startObraz } from '../fixtures/obraz.ts';
import { createTenant } from '../fixtures/tenant.ts';

/** What one tenant imports is no reason for another to wait. */

const mib = 1024 ** 2;
const slowBytes = 64 * mib;
/** Far more than the least rate, and hours for the file. */
const trickleBytes = 4 * 1024;
const trickleEveryMs = 100;
const opened = new AsyncDisposableStack();
let door: Door;
let files: FileServer;
let slow: BadServer;

before(async () => {
  files = opened.use(await startFileServer());
  slow = opened.use(
    await startBadServer((request, response) => answerSlowly(request.url, request.headers.range, response)),
  );
  const obraz = opened.use(await startObraz());
  door = opened.use(openGrpcDoor(obraz));
});
after(() => opened.disposeAsync());

/** Nothing under `/silent`; elsewhere a file by ranges, of which the beginning comes at once and all else in hours. */
function answerSlowly(
  url: string | undefined,
  range: string | undefined,
  response: Parameters<Parameters<typeof startBadServer>[0]>[1],
): void {
  if (url?.startsWith('/silent')) return;
  const [, from = '0', to = String(slowBytes - 1)] = /^bytes=(\d+)-(\d+)?$/.exec(range ?? 'bytes=0-') ?? [];
  const [start, end] = [Number(from), Math.min(Number(to || slowBytes - 1), slowBytes - 1)];
  const contentRange = `bytes ${start}-${end}/${slowBytes}`;
  response.writeHead(206, { 'content-range': contentRange, 'content-length': end - start + 1, etag: '"slow"' });
  let left = end - start + 1;
  const send = (bytes: number) => {
    response.write(Buffer.alloc(Math.min(bytes, left), 7));
    left -= Math.min(bytes, left);
    if (left === 0) response.end();
  };
  if (start < mib) send(mib);
  const timer = setInterval(() => (left > 0 ? send(trickleBytes) : clearInterval(timer)), trickleEveryMs);
  response.once('close', () => clearInterval(timer));
}

async function begin(folderId: string, name: string, uri: string): Promise<string> {
  const { body } = await door.call('ImageService.Create', { folderId, name, uri });
  return body.id;
}

test('the import of one tenant ends within seconds, whatever slow ones another has begun', async (t) => {
  const [many, one, third] = [
    await createTenant(door, 'many'),
    await createTenant(door, 'one'),
    await createTenant(door, 'third'),
  ];
  const uri = files.put('small.raw', noise(2 * mib, 3));
  const slowOnes: string[] = [];
  // More than there are places; those that send something get so far that they hold the memory to store it.
  for (let number = 0; number < 18; number++) {
    const kind = number % 3 === 0 ? 'silent' : 'trickle';
    slowOnes.push(await begin(many.folderId, `slow-${number}`, `${slow.origin}/${kind}/${number}`));
  }
  while (slow.seen.length < 16) await delay(20);
  for (const { folderId } of [one, third, one]) {
    const began = performance.now();
    await finish(door, 'ImageService.Create', { folderId, uri });
    const tookMs = performance.now() - began;
    t.diagnostic(`${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 15_000, `it took ${tookMs} ms`);
  }
  for (const operationId of slowOnes) {
    const { body } = await door.call('OperationService.Get', { operationId });
    assert.ok(!body.done, `a slow import ended: ${JSON.stringify(body)}`);
    await door.call('OperationService.Cancel', { operationId });
  }
  await slow.quiet();
});
