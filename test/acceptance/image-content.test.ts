import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, readdir, readFile, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Door, openGrpcDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** The bytes of an image over HTTP: every way to ask for them, and none that gives wrong ones. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let door: Door;
let http: HttpClient;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz({ flags: ['--cache-size', '0'] }));
  door = opened.use(openGrpcDoor(obraz));
  http = opened.use(openHttp(obraz));
});
after(() => opened.disposeAsync());

const mib = 1024 * 1024;

async function importBytes(name: string, bytes: Uint8Array): Promise<string> {
  const uri = files.put(name, bytes);
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
  const done = await untilDone(door, body.id);
  assert.equal(done.response?.status, 'READY', JSON.stringify(done));
  return done.response.id;
}

describe('one image', () => {
  /** Holes at both ends and in the middle, data that begins and ends within a block, and a size of no round number. */
  const guest = Buffer.alloc(9 * mib + 512);
  let imageId: string;
  let etag: string;
  before(async () => {
    noise(mib + 700, 61).copy(guest, mib - 300);
    noise(4096, 62).copy(guest, 5 * mib);
    noise(512, 63).copy(guest, 8 * mib);
    imageId = await importBytes('content.raw', guest);
    etag = String((await http.content(imageId)).headers.etag);
  });

  test('comes whole, with its length, a strong tag and that it takes ranges', async () => {
    const { status, headers, bytes } = await http.content(imageId);
    assert.equal(status, 200);
    assert.ok(bytes.equals(guest));
    assert.match(etag, /^"[0-9a-f]{64}"$/);
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers['content-length'], String(guest.length));
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
  });

  test('HEAD says the same without a body', async () => {
    for (const headers of [{}, { range: 'bytes=0-9' }]) {
      const head = await http.ask(`/obraz/v1/images/${imageId}/content`, { method: 'HEAD', headers });
      assert.equal(head.status, 200);
      assert.equal(head.bytes.length, 0);
      assert.equal(head.headers['content-length'], String(guest.length));
      assert.equal(head.headers.etag, etag);
    }
  });

  test('Range gives exactly the bytes that were asked for', async () => {
    const last = guest.length - 1;
    const ranges: [string, number, number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=0-', 0, last],
      [`bytes=${last}-`, last, last],
      [`bytes=${last}-${last + 1000}`, last, last],
      ['bytes=-1', last, last],
      ['bytes=-1000', last - 999, last],
      [`bytes=-${guest.length + 5}`, 0, last],
      [`bytes=${mib - 301}-${mib - 299}`, mib - 301, mib - 299],
      [`bytes=${mib + 12345}-${3 * mib}`, mib + 12345, 3 * mib],
      [`bytes=${5 * mib - 1}-${5 * mib + 4096}`, 5 * mib - 1, 5 * mib + 4096],
      [`BYTES = ${6 * mib} - ${7 * mib}`, 6 * mib, 7 * mib],
    ];
    for (const [range, start, end] of ranges) {
      const { status, headers, bytes } = await http.content(imageId, { range });
      assert.equal(status, 206, range);
      assert.equal(headers['content-range'], `bytes ${start}-${end}/${guest.length}`, range);
      assert.equal(headers['content-length'], String(end - start + 1), range);
      assert.ok(bytes.equals(guest.subarray(start, end + 1)), range);
      assert.equal(headers.etag, etag);
    }
  });

  test('a Range that is no range of ours is left out of account, one beyond the end is a 416', async () => {
    for (const range of ['bytes=5-3', 'bytes=', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=--5', '0-5']) {
      const { status, bytes } = await http.content(imageId, { range });
      assert.equal(status, 200, range);
      assert.equal(bytes.length, guest.length, range);
    }
    for (const range of [`bytes=${guest.length}-`, `bytes=${guest.length}-${guest.length + 9}`, 'bytes=-0']) {
      const { status, headers, bytes } = await http.content(imageId, { range });
      assert.equal(status, 416, range);
      assert.equal(headers['content-range'], `bytes */${guest.length}`);
      assert.equal(bytes.length, 0);
    }
  });

  test('conditions are kept: If-None-Match, If-Range, If-Match', async () => {
    const other = `"${'0'.repeat(64)}"`;
    const range = 'bytes=0-99';
    const cases: [Record<string, string>, number, number][] = [
      [{ 'if-none-match': etag }, 304, 0],
      [{ 'if-none-match': `${other}, W/${etag}` }, 304, 0],
      [{ 'if-none-match': '*' }, 304, 0],
      [{ 'if-none-match': other }, 200, guest.length],
      [{ 'if-none-match': etag, range }, 304, 0],
      [{ 'if-range': etag, range }, 206, 100],
      [{ 'if-range': other, range }, 200, guest.length],
      [{ 'if-range': `W/${etag}`, range }, 200, guest.length],
      [{ 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT', range }, 200, guest.length],
      [{ 'if-match': etag, range }, 206, 100],
      [{ 'if-match': '*' }, 200, guest.length],
      [{ 'if-match': other }, 412, 0],
    ];
    for (const [headers, status, length] of cases) {
      const answer = await http.content(imageId, headers);
      assert.equal(answer.status, status, JSON.stringify(headers));
      assert.equal(answer.bytes.length, length, JSON.stringify(headers));
      assert.equal(answer.headers.etag, etag);
    }
  });

  test('comes to a plain HTTP/1.0 and a pipelining client, too', async () => {
    const port = Number(obraz.endpoint.split(':')[1]);
    const socket = connect(port, '127.0.0.1');
    const said: Buffer[] = [];
    socket.on('data', (data: Buffer) => said.push(data));
    const ask = (range: string, version: string) =>
      `GET /obraz/v1/images/${imageId}/content HTTP/${version}\r\nhost: x\r\nauthorization: Bearer ${obraz.token}\r\nrange: ${range}\r\n\r\n`;
    socket.write(ask(`bytes=${mib}-${mib + 9}`, '1.1') + ask(`bytes=${mib + 10}-${mib + 19}`, '1.0'));
    await once(socket, 'close');
    const bodies = Buffer.concat(said)
      .toString('latin1')
      .split(/HTTP\/1\.1 206 .*?\r\n\r\n/s)
      .slice(1);
    assert.deepEqual(bodies, [guest.toString('latin1', mib, mib + 10), guest.toString('latin1', mib + 10, mib + 20)]);
  });

  test('its extents cover the disk without a gap and say the truth', async () => {
    const path = `/obraz/v1/images/${imageId}/extents`;
    const whole = (await http.ask(path)).json();
    assert.equal(whole.sizeBytes, String(guest.length));
    const check = (extents: { offset: string; length: string; kind: string }[], start: number, end: number) => {
      let at = start;
      for (const { offset, length, kind } of extents) {
        assert.equal(Number(offset), at, 'no gap, no overlap');
        assert.ok(Number(length) > 0);
        at += Number(length);
        if (kind !== 'data') {
          assert.ok(kind === 'hole' || kind === 'zero', kind);
          assert.ok(guest.subarray(at - Number(length), at).every((byte) => byte === 0));
        }
      }
      assert.equal(at, end);
    };
    check(whole.extents, 0, guest.length);
    const dataBytes = whole.extents
      .filter(({ kind }: { kind: string }) => kind === 'data')
      .reduce((sum: number, { length }: { length: string }) => sum + Number(length), 0);
    assert.ok(dataBytes < 1.2 * mib, `${dataBytes}: what is zero is no data`);
    assert.equal((await http.ask(path)).headers.etag, etag);

    const part = async (query: string) => (await http.ask(`${path}?${query}`)).json().extents;
    check(await part(`offset=${mib}&length=${5 * mib}`), mib, 6 * mib);
    check(await part(`offset=${8 * mib}`), 8 * mib, guest.length);
    assert.deepEqual(await part(`offset=${guest.length}`), []);
    assert.deepEqual(await part('offset=99999999999&length=5'), []);
    for (const query of ['offset=-1', 'offset=x', 'length=1.5', 'offset=99999999999999999999']) {
      const answer = await http.ask(`${path}?${query}`);
      assert.equal(answer.status, 400, query);
      assert.equal(answer.json().code, 3);
    }
  });
});

test('an image that is still made has no content, and says so', async () => {
  files.limit(mib);
  try {
    const uri = files.put('creating.raw', noise(8 * mib, 64));
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    const { imageId } = body.metadata;
    for (const what of ['content', 'extents']) {
      const answer = await http.ask(`/obraz/v1/images/${imageId}/${what}`);
      assert.equal(answer.status, 400);
      assert.equal(answer.json().code, 9);
      assert.match(answer.json().message, /has no content yet: its status is CREATING\. Wait until it is READY\.$/);
    }
    const head = await http.ask(`/obraz/v1/images/${imageId}/content`, { method: 'HEAD' });
    assert.equal(head.status, 400);
    await door.call('OperationService.Cancel', { operationId: body.id });
    assert.equal((await http.content(imageId)).status, 404);
  } finally {
    files.limit(Number.POSITIVE_INFINITY);
  }
});

/** The service reads packs where they are: a cache in front of a bucket would hide what becomes of them. */
describe('a pack that rots on the disk', () => {
  /** Every byte that comes, until the end or until the connection breaks. */
  async function assertNoWrongByte(imageId: string, guest: Buffer): Promise<void> {
    const headers = { authorization: `Bearer ${obraz.token}`, host: 'x', connection: 'close' };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(Number(obraz.endpoint.split(':')[1]), '127.0.0.1');
    const said: Buffer[] = [];
    socket.on('error', () => {}).on('data', (data: Buffer) => said.push(data));
    socket.write(`GET /obraz/v1/images/${imageId}/content HTTP/1.1\r\n${lines.join('')}\r\n`);
    await once(socket, 'close');
    const answer = Buffer.concat(said);
    const head = answer.subarray(0, answer.indexOf('\r\n\r\n') + 4);
    const body = answer.subarray(head.length);
    if (/^HTTP\/1\.1 200 /.test(head.toString())) {
      assert.ok(body.length < guest.length, 'what is damaged cannot be read');
      assert.ok(body.equals(guest.subarray(0, body.length)), 'what was sent is right');
    } else {
      assert.match(head.toString(), /^HTTP\/1\.1 500 /);
      const { code, message } = JSON.parse(body.toString());
      assert.equal(code, 15);
      assert.equal(
        message,
        `Stored bytes of image "${imageId}" are damaged or lost. Import the same file again, which stores them anew.`,
      );
    }
  }

  /** Those that are written; a compaction may be at one more. */
  async function allPacks(): Promise<string[]> {
    const found = await readdir(obraz.storage.packsFolder, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return files.filter((path) => !path.includes('/partial/'));
  }

  async function packsOf(work: () => Promise<string>): Promise<{ imageId: string; packs: string[] }> {
    const before = new Set(await allPacks());
    const imageId = await work();
    return { imageId, packs: (await allPacks()).filter((path) => !before.has(path)) };
  }

  async function overwrite(path: string, position: number, bytes: Uint8Array): Promise<void> {
    await using file = await open(path, 'r+');
    await file.write(bytes, 0, bytes.length, position);
  }

  const damages: [string, (pack: string) => Promise<void>][] = [
    [
      'with a flipped byte here and there',
      async (pack) => {
        const bytes = await readFile(pack);
        for (let at = 1_700_000; at < bytes.length; at += 500_000) {
          await overwrite(pack, at, Buffer.of((bytes[at] ?? 0) ^ 0x10));
        }
      },
    ],
    ['that begins with other bytes', (pack) => overwrite(pack, 0, Buffer.alloc(mib, 7))],
    ['that ends too early', (pack) => truncate(pack, mib)],
  ];

  for (const [number, [what, damage]] of damages.entries()) {
    test(`${what}, gives no wrong byte, and the next import heals it`, async () => {
      const guest = noise(6 * mib, 70 + number);
      const name = `rot-${number}.raw`;
      const { imageId, packs } = await packsOf(() => importBytes(name, guest));
      assert.ok(packs.length > 0);
      assert.ok((await http.content(imageId)).bytes.equals(guest));
      for (const pack of packs) await damage(pack);
      // A compaction may have moved the content to another pack just before.
      const isWhole = async () => (await http.content(imageId).catch(() => undefined))?.bytes.equals(guest) === true;
      while (await isWhole()) for (const pack of await allPacks()) await damage(pack);

      await assertNoWrongByte(imageId, guest);
      assert.equal((await http.ask('/health')).status, 200);
      // What nobody has read yet is not known to be damaged: each reading finds more of it.
      for (let tries = 0; ; tries++) {
        const healedId = await importBytes(name, guest);
        const [first, again] = await Promise.all(
          [imageId, healedId].map((id) => http.content(id).catch(() => undefined)),
        );
        if (first?.status === 200 && again?.status === 200) {
          assert.ok(first.bytes.equals(guest) && again.bytes.equals(guest));
          break;
        }
        assert.ok(tries < 20, 'it does not heal');
        await assertNoWrongByte(imageId, guest);
      }
    });
  }
});
