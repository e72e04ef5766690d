import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { DefaultHttpStack, Upload, type UploadOptions } from 'tus-js-client';
import { runCommand, startCommand } from '../fixtures/command.ts';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type HttpCall, type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { startStallingProxy } from '../fixtures/stalling-proxy.ts';

/** Files that people have, and not only the addresses of some: by an unmodified tus client and by the command line. */

const mib = 1024 * 1024;
const raw = noise(12 * mib, 41);
const { qcow2, guest } = smallDisk(42);
const uploadsPath = '/obraz/v1/uploads';

let obraz: Obraz;
let http: HttpClient;
let rest: Door;

before(async () => {
  obraz = await startObraz();
  http = openHttp(obraz);
  rest = openRestDoor(obraz);
});
after(async () => {
  await rest[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
  await obraz[Symbol.asyncDispose]();
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(10);
}

/** Uploads with tus-js-client as it comes from npm; returns the upload's id. */
function tusUpload(to: Obraz, bytes: Buffer, options: Partial<UploadOptions> = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const upload = new Upload(bytes, {
    endpoint: `https://${to.endpoint}${uploadsPath}`,
    metadata: { filename: 'disk.img', folderId: to.folderId },
    headers: { authorization: `Bearer ${to.token}` },
    httpStack: new DefaultHttpStack({ agent: new Agent({ ca: to.ca }) }),
    onError: reject,
    onSuccess: () => resolve(upload.url?.split('/').at(-1) ?? ''),
    ...options,
  });
  upload.start();
  return promise;
}

async function createFrom(door: Door, uploadId: string, fields: Record<string, string> = {}) {
  const uri = `obraz:upload/${uploadId}`;
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri, ...fields });
  return untilDone(door, body.id);
}

const tus = { 'tus-resumable': '1.0.0' };
const part = { ...tus, 'content-type': 'application/offset+octet-stream' };
const ask = (id: string, call: HttpCall) =>
  http.ask(`${uploadsPath}/${id}`, { ...call, headers: { ...tus, ...call.headers } });

/** Begins an upload by hand; returns its id. */
async function begin(lengthBytes: number): Promise<string> {
  const headers = { ...tus, 'upload-length': String(lengthBytes), 'obraz-folder-id': obraz.folderId };
  const answer = await http.ask(uploadsPath, { method: 'POST', headers });
  assert.equal(answer.status, 201);
  return String(answer.headers.location).slice(uploadsPath.length + 1);
}

const reasonOf = (answer: { json(): { details?: { reason?: string }[] } }) =>
  answer.json().details?.find(({ reason }) => reason !== undefined)?.reason;

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`through ${['gRPC', 'REST'][number]}`, () => {
    let door: Door;
    before(() => {
      door = open(obraz);
    });
    after(() => door[Symbol.asyncDispose]());

    test('what an unmodified tus client uploads becomes an image with the same bytes, and is gone', async () => {
      for (const [file, bytes, options] of [
        [raw, raw, { chunkSize: 5 * mib }],
        [raw, raw, { uploadDataDuringCreation: true }],
        [qcow2, guest, { overridePatchMethod: true }],
      ] as const) {
        const uploadId = await tusUpload(obraz, file, options);
        const done = await createFrom(door, uploadId);
        assert.equal(done.error, undefined, JSON.stringify(done.error));
        assert.ok((await http.content(done.metadata.imageId)).bytes.equals(bytes));
        assert.equal((await ask(uploadId, { method: 'HEAD' })).status, 404);
        await until(async () => !(await readdir(join(obraz.dataDirectory, 'uploads'))).includes(uploadId));
      }
    });

    test('an upload that is not whole is no source, and says how far it is', async () => {
      const id = await begin(100);
      const sent = await ask(id, { method: 'PATCH', headers: { ...part, 'upload-offset': '0' }, body: 'hello' });
      assert.equal(sent.status, 204);
      await assert.rejects(createFrom(door, id), (error) => {
        assert.ok(error instanceof DoorError);
        assert.equal(error.code, 9);
        assert.match(error.message, /is not complete: 5 of 100 bytes are there/);
        return true;
      });
      await assert.rejects(createFrom(door, 'upl00000000000000000'), { code: 9, message: /Upload ".*" not found/ });
      await assert.rejects(createFrom(door, '../metadata.db'), { code: 3, message: /obraz:upload\/UPLOAD_ID/ });
      assert.equal((await ask(id, { method: 'DELETE' })).status, 204);
    });

    test('an upload whose import failed is kept for another try', async () => {
      const id = await tusUpload(obraz, raw.subarray(0, mib));
      const refused = await createFrom(door, id, { sourceSha256: '0'.repeat(64) });
      assert.equal(refused.error.code, 9);
      const sourceSha256 = createHash('sha256').update(raw.subarray(0, mib)).digest('hex');
      const done = await createFrom(door, id, { sourceSha256 });
      assert.equal(done.response?.status, 'READY', JSON.stringify(done.error));
    });
  });
}

test('a tus client goes on by itself after the service was killed, from what was acknowledged', async () => {
  await using data = await temporaryDirectory();
  const dataDirectory = data.path;
  const first = await startObraz({ dataDirectory });
  let acknowledged = 0;
  const reached = Promise.withResolvers<void>();
  const uploading = tusUpload(first, raw, {
    chunkSize: mib,
    retryDelays: [100, 200, 500, 1000, 2000, 4000, 8000],
    onChunkComplete: (_size, accepted) => {
      acknowledged = accepted;
      if (accepted >= 4 * mib) reached.resolve();
    },
  });
  await reached.promise;
  await first.end('SIGKILL');
  const before = acknowledged;
  assert.ok(before < raw.length, 'it was killed in the middle');
  await using second = await startObraz({ dataDirectory, flags: ['--listen', first.endpoint, '--nbd', '127.0.0.1:0'] });
  const uploadId = await uploading;
  const sent = second
    .log()
    .split('\n')
    .filter((line) => line.includes('"PATCH '))
    .reduce((sum, line) => sum + (JSON.parse(line).bytes ?? 0), 0);
  assert.ok(sent <= raw.length - before, `${sent} bytes were sent after ${before} had been acknowledged`);
  await using door = openRestDoor(second);
  const { body } = await door.call('ImageService.Create', {
    folderId: second.folderId,
    uri: `obraz:upload/${uploadId}`,
  });
  const done = await untilDone(door, body.id);
  await using content = openHttp(second);
  assert.ok((await content.content(done.metadata.imageId)).bytes.equals(raw));
});

test('refuses what the protocol does not allow, with its status', async () => {
  const id = await begin(10);
  const patch = (headers: Record<string, string>, body = 'hello') =>
    ask(id, { method: 'PATCH', headers: { ...part, 'upload-offset': '0', ...headers }, body });
  const wrongOffset = await patch({ 'upload-offset': '3' });
  assert.deepEqual([wrongOffset.status, reasonOf(wrongOffset)], [409, 'UPLOAD_OFFSET_MISMATCH']);
  const checksum = (text: string) => `sha1 ${createHash('sha1').update(text).digest('base64')}`;
  const wrongSum = await patch({ 'upload-checksum': checksum('world') });
  assert.deepEqual([wrongSum.status, reasonOf(wrongSum)], [460, 'CHECKSUM_MISMATCH']);
  const rightSum = await patch({ 'upload-checksum': checksum('hello') });
  assert.deepEqual([rightSum.status, rightSum.headers['upload-offset']], [204, '5']);
  const tooMuch = await patch({ 'upload-offset': '5' }, 'x'.repeat(6));
  assert.deepEqual([tooMuch.status, reasonOf(tooMuch)], [413, 'UPLOAD_TOO_LONG']);
  assert.equal((await patch({ 'content-type': 'text/plain' })).status, 415);
  assert.equal((await patch({ 'tus-resumable': '2.0.0' })).status, 412);
  const head = await ask(id, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['upload-offset']], [200, '5']);
  for (const token of [undefined, 't1.wrong.token']) {
    for (const method of ['HEAD', 'PATCH', 'DELETE'] as const) {
      assert.equal((await ask(id, { method, token, headers: part })).status, 401);
    }
  }
  const huge = { ...tus, 'upload-length': String(2 ** 60), 'obraz-folder-id': obraz.folderId };
  assert.equal((await http.ask(uploadsPath, { method: 'POST', headers: huge })).status, 413);
  const elsewhere = { ...tus, 'upload-length': '1', 'obraz-folder-id': 'b1gnone' };
  assert.equal((await http.ask(uploadsPath, { method: 'POST', headers: elsewhere })).status, 404);
  assert.equal((await ask(id, { method: 'DELETE' })).status, 204);
});

test('knows no other ids, whatever they look like', async () => {
  const names = ['upl00000000000000000', '..', '..%2f..%2fcredentials%2fadmin.token', '%2e%2e%2flock.db', '%00', '%'];
  for (const name of names) {
    for (const method of ['HEAD', 'PATCH', 'DELETE', 'GET'] as const) {
      const { status } = await ask(name, { method, headers: { ...part, 'upload-offset': '0' } });
      assert.ok(status === 404 || status === 400, `${method} ${name}: ${status}`);
    }
  }
  assert.ok((await stat(join(obraz.dataDirectory, 'lock.db'))).isFile());
});

describe('the command line', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    home = await temporaryDirectory();
  });
  after(() => home[Symbol.asyncDispose]());
  const env = () => ({ XDG_STATE_HOME: join(home.path, 'state') });
  const records = () => readdir(join(home.path, 'state', 'obraz', 'uploads'));

  async function putFile(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(home.path, name);
    await writeFile(path, bytes);
    return path;
  }

  const run = (...args: string[]) => runCommand([...args, '--data', obraz.dataDirectory], { env: env() });
  const create = (file: string, name: string, ...more: string[]) =>
    ['image', 'create', '--file', file, '--name', name, '--data', obraz.dataDirectory, ...more] as const;

  async function assertImage(name: string, bytes: Buffer): Promise<void> {
    const image = JSON.parse((await run('image', 'get', name, '--format', 'json')).stdout);
    assert.ok((await http.content(image.id)).bytes.equals(bytes));
  }

  /** Bytes that the service took in requests since its log had this length. */
  const takenSince = (logLength: number) =>
    obraz
      .log()
      .slice(logLength)
      .split('\n')
      .filter((line) => line.includes('"PATCH '))
      .reduce((sum, line) => sum + (JSON.parse(line).bytes ?? 0), 0);

  const listUploads = async () => JSON.parse((await run('upload', 'list', '--format', 'json')).stdout);

  test('makes an image of a file, and shows how far it is', async () => {
    const ended = await run('image', 'create', '--file', await putFile('small.qcow2', qcow2), '--name', 'small');
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /^uploading 0 B \/ .*\n(?:.*\n)*done \(\d+ s\)$/m);
    assert.match(ended.stdout, /^status: READY$/m);
    await assertImage('small', guest);
    assert.deepEqual(await records(), []);
    assert.deepEqual(await listUploads(), []);
    const again = await run('image', 'create', '--file', join(home.path, 'small.qcow2'), '--name', 'small');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^ERROR: there is an image named "small" already: fd8/);
  });

  for (const [how, signal, code] of [
    ['killed', 'SIGKILL', null],
    ['ended by Ctrl-C', 'SIGINT', 130],
  ] as const) {
    test(`goes on where it was when it is ${how} and run again`, async () => {
      const file = await putFile(`${signal}.raw`, raw);
      await using proxy = await startStallingProxy(obraz.endpoint, 6 * mib);
      const name = `after-${signal.toLowerCase()}`;
      await using first = startCommand(create(file, name, '--endpoint', proxy.endpoint), { env: env() });
      await proxy.stalled;
      first.kill(signal);
      const ended = await first.ended;
      assert.equal(ended.code, code, ended.stderr);
      if (code !== null) assert.match(ended.stderr, /interrupted\. Run the same command again to go on from here/);
      // The line is dead, and the service has not noticed: it still waits for the first command.
      const logLength = obraz.log().length;
      const second = await runCommand(create(file, name), { env: env() });
      assert.equal(second.code, 0, second.stderr);
      assert.match(second.stderr, /^going on at \d.* MB of 12 MB$/m);
      const taken = takenSince(logLength);
      assert.ok(taken < raw.length - 5 * mib, `${taken} bytes were sent again`);
      await assertImage(name, raw);
    });
  }

  test('goes on by itself when the service is killed and started again', async () => {
    await using data = await temporaryDirectory();
    const file = await putFile('restarted.raw', raw);
    const first = await startObraz({ dataDirectory: data.path });
    await using proxy = await startStallingProxy(first.endpoint, 6 * mib);
    const args = ['image', 'create', '--file', file, '--name', 'restarted', '--data', data.path];
    await using command = startCommand([...args, '--endpoint', proxy.endpoint], { env: env() });
    await proxy.stalled;
    await first.end('SIGKILL');
    proxy.release();
    await using second = await startObraz({
      dataDirectory: data.path,
      flags: ['--listen', first.endpoint, '--nbd', '127.0.0.1:0'],
    });
    const ended = await command.ended;
    assert.equal(ended.code, 0, `${ended.stderr}\n${second.log()}`);
    assert.match(ended.stdout, /^status: READY$/m);
  });

  test('begins anew when the file is another one, and takes the old upload away', async () => {
    const file = await putFile('changed.raw', raw);
    await using proxy = await startStallingProxy(obraz.endpoint, 6 * mib);
    await using first = startCommand(create(file, 'changed', '--endpoint', proxy.endpoint), { env: env() });
    await proxy.stalled;
    first.kill('SIGKILL');
    await first.ended;
    const [{ id }] = await listUploads();
    const other = Buffer.from(raw).fill(0, 0, mib);
    await putFile('changed.raw', other);
    await utimes(file, new Date(), new Date(Date.now() + 1000)); // as if some time had passed
    const second = await runCommand(create(file, 'changed'), { env: env() });
    assert.equal(second.code, 0, second.stderr);
    assert.doesNotMatch(second.stderr, /going on/);
    await assertImage('changed', other);
    assert.equal((await ask(id, { method: 'HEAD' })).status, 404);
  });

  test('keeps the upload when the image cannot be made, and needs not send it again', async () => {
    const file = await putFile('page.html', Buffer.from('<!doctype html><html><body>no disk</body></html>'.repeat(50)));
    const refused = await runCommand(create(file, 'page'), { env: env() });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /refused/);
    assert.equal((await records()).length, 1);
    const [{ id, filename }] = await listUploads();
    assert.equal(filename, 'page.html');
    const logLength = obraz.log().length;
    assert.equal((await runCommand(create(file, 'page'), { env: env() })).code, 1);
    assert.equal(takenSince(logLength), 0);
    const table = await run('upload', 'list');
    assert.match(table.stdout, new RegExp(`^ID +FILE +ARRIVED.*\n${id} +page\\.html`));
    assert.equal((await run('upload', 'delete', id)).code, 0);
    assert.deepEqual(await listUploads(), []);
    const gone = await run('upload', 'get', id);
    assert.match(gone.stderr, /^ERROR: Upload "upl\w+" not found \(NOT_FOUND\)/);
  });

  test('uploads a file again when its first upload is still being imported, or is an image already', async () => {
    const file = await putFile('twice.raw', raw);
    for (const name of ['twice-1', 'twice-2']) {
      const ended = await runCommand(create(file, name, '--async'), { env: env() });
      assert.equal(ended.code, 0, ended.stderr);
      assert.match(ended.stdout, /^description: Create image$/m);
      assert.doesNotMatch(ended.stderr, /going on/);
    }
    for (const name of ['twice-1', 'twice-2']) {
      await until(async () => /^status: READY$/m.test((await run('image', 'get', name)).stdout));
      await assertImage(name, raw);
    }
  });

  test('says what is wrong with the file', async () => {
    for (const [file, message] of [
      [join(home.path, 'nowhere'), /does not exist/],
      [home.path, /no regular file|illegal operation on a directory/],
      [await putFile('empty', new Uint8Array(0)), /is empty/],
    ] as const) {
      const ended = await runCommand(create(file, 'never'), { env: env() });
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, message);
    }
  });
});
