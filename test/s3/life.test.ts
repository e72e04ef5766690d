import assert from 'node:assert/strict';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { checkpointedBytes } from '../crash/data-rows.ts';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { errorAnswer, flipped, type S3Answer, startS3Proxy } from '../fixtures/s3-proxy.ts';
import { environmentOf, type S3Server, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** A service on a bucket through kills, outages and wrong bytes. */

const mib = 1024 * 1024;

describe('a service on a bucket', { skip: s3Missing }, () => {
  let server: S3Server;
  let files: FileServer;
  before(async () => {
    server = await startS3Server();
    files = await startFileServer();
  });
  after(async () => {
    await files[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Its log comes by a pipe, and may be later than its answers. */
  async function untilLogged(obraz: Obraz, message: RegExp): Promise<void> {
    for (const until = Date.now() + 10_000; Date.now() < until && !message.test(obraz.log()); ) await wait(10);
    assert.ok(message.test(obraz.log()), String(message));
  }

  /** The objects under a folder of the server, and what it keeps of uploads that are not complete. */
  async function objectsIn(folder: string): Promise<string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  test('an import that was killed goes on from its checkpoint, and what it left half sent is dropped', async (t) => {
    await using directory = await temporaryDirectory();
    const settings = await server.createBucket();
    const options = {
      dataDirectory: join(directory.path, 'data'),
      env: environmentOf(settings),
      flags: ['--keep-deleted', '0'],
    };
    const bytes = Buffer.concat([1, 2, 3].map((seed) => noise(20 * mib, seed)));
    const uri = files.put('killed.raw', bytes);
    files.limit(24 * mib);
    let operationId = '';
    {
      await using obraz = await startObraz(options);
      await using door = openRestDoor(obraz);
      const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, name: 'killed', uri });
      operationId = body.id;
      while ((await checkpointedBytes(options.dataDirectory, operationId)) === 0) await wait(20);
      await obraz.end('SIGKILL');
    }
    const kept = await checkpointedBytes(options.dataDirectory, operationId);
    const sent = files.sentBytes();
    files.limit(Number.POSITIVE_INFINITY);
    await using obraz = await startObraz(options);
    await using door = openRestDoor(obraz);
    await using http = openHttp(obraz);
    const { error, response } = await untilDone(door, operationId);
    assert.equal(error, undefined, JSON.stringify(error));
    const sentAfter = files.sentBytes() - sent;
    t.diagnostic(`${kept} bytes were durable; ${sentAfter} of ${bytes.length} were read after the kill`);
    assert.ok(kept >= 8 * mib && sentAfter <= bytes.length - kept + 2 * mib);
    assert.ok((await http.content(response.id)).bytes.equals(bytes));
    // The server keeps parts under `.sgwtmp`.
    const folder = server.folderOf(settings);
    const parts = () => objectsIn(join(folder, '.sgwtmp')).catch(() => []);
    for (const until = Date.now() + 10_000; Date.now() < until && (await parts()).length > 0; ) await wait(50);
    assert.deepEqual(await parts(), []);
  });

  test('an outage under an import and under readers is waited for', async () => {
    await using proxy = await startS3Proxy(server.endpoint);
    const settings = { ...(await server.createBucket()), endpoint: proxy.endpoint };
    await using obraz = await startObraz({ env: environmentOf(settings), flags: ['--cache-size', '0'] });
    await using door = openRestDoor(obraz);
    await using http = openHttp(obraz);
    const bytes = noise(40 * mib, 5);
    const uri = files.put('outage.raw', bytes);
    let isOut = true;
    proxy.trouble = ({ kind }) => {
      if (!isOut) return undefined;
      return kind === 'part' ? { breakAfter: -1 } : { answer: errorAnswer(503, 'SlowDown') };
    };
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, name: 'outage', uri });
    const refused = proxy.calls.length;
    while (proxy.calls.length < refused + 3) await wait(20);
    isOut = false;
    const { response } = await untilDone(door, body.id);
    assert.equal(response?.status, 'READY');
    isOut = true;
    const reading = http.content(response.id);
    const before = proxy.calls.length;
    while (proxy.calls.length < before + 3) await wait(20);
    isOut = false;
    assert.ok((await reading).bytes.equals(bytes));
  });

  test('wrong bytes of the server are asked for again, and never given out', async () => {
    await using proxy = await startS3Proxy(server.endpoint);
    const settings = { ...(await server.createBucket()), endpoint: proxy.endpoint };
    await using obraz = await startObraz({ env: environmentOf(settings) });
    await using door = openRestDoor(obraz);
    await using http = openHttp(obraz);
    const bytes = noise(3 * mib, 6);
    const create = async (name: string, source: Buffer) => {
      const { body } = await door.call('ImageService.Create', {
        folderId: obraz.folderId,
        uri: files.put(name, source),
      });
      return untilDone(door, body.id);
    };
    let lies = 0;
    // In the midst of a long answer, where chunks are: other bytes of a pack may be wanted by nobody.
    const alter = (answer: S3Answer) => {
      if (lies === 0 || answer.body.length < mib / 2) return answer;
      lies -= 1;
      return flipped(answer);
    };
    proxy.trouble = ({ kind, path }) => (kind === 'get' && path.includes('packs/') ? { alter } : undefined);
    lies = 1;
    const { response } = await create('lied.raw', bytes);
    assert.equal(response?.status, 'READY', 'what does not read back is stored anew');
    await untilLogged(obraz, /reads back with CRC-32/);
    lies = 1;
    assert.ok((await http.content(response.id)).bytes.equals(bytes));
    await untilLogged(obraz, /gave wrong bytes, and the right ones when asked again/);
    assert.ok((await http.content(response.id)).bytes.equals(bytes), 'nor is the wrong copy kept');
  });

  test('what was read is read again from this machine, whatever became of the server and of the copy', async () => {
    const settings = await server.createBucket();
    await using directory = await temporaryDirectory();
    const dataDirectory = join(directory.path, 'data');
    await using obraz = await startObraz({ dataDirectory, env: environmentOf(settings) });
    await using door = openRestDoor(obraz);
    await using http = openHttp(obraz);
    const bytes = noise(3 * mib, 8);
    const { body } = await door.call('ImageService.Create', {
      folderId: obraz.folderId,
      uri: files.put('cached.raw', bytes),
    });
    const { response } = await untilDone(door, body.id);
    const blocks = join(dataDirectory, 'cache', 'blocks');
    const kept = async () => (await stat(blocks)).size;
    assert.equal(await kept(), 0, 'what is read back is no copy');
    await http.content(response.id);
    while ((await kept()) < bytes.length) await wait(10);
    await server.stop();
    try {
      assert.ok((await http.content(response.id)).bytes.equals(bytes));
    } finally {
      await server.start();
    }
    await using file = await open(blocks, 'r+');
    await file.write(Buffer.alloc(4096, 0xee), 0, 4096, mib);
    assert.ok((await http.content(response.id)).bytes.equals(bytes), 'a damaged copy is fetched anew');
    assert.doesNotMatch(obraz.log(), /wrong bytes/, 'and found out before it is taken for the pack');
  });
});
