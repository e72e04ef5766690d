import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { openRestDoor } from '../fixtures/doors.ts';
import { noise } from '../fixtures/guest.ts';
import { type HttpCall, type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { bind, createAccount } from '../fixtures/tenant.ts';

/** Objects through a started service: what is left of them after kill -9, and who may see them. */

const mib = 1024 * 1024;
const file = noise(6 * mib, 61);
const md5 = createHash('md5').update(file).digest('base64');
const uploadPath = '/upload/storage/v1/b/a-bucket/o';
const objectPath = '/storage/v1/b/a-bucket/o/x';

async function makeBucket(http: HttpClient, { folderId }: Obraz, token?: string): Promise<void> {
  const call: HttpCall = { method: 'POST', body: '{"name":"a-bucket"}', ...(token === undefined ? {} : { token }) };
  const { status } = await http.ask(`/storage/v1/b?project=${folderId}`, call);
  assert.equal(status, 200);
}

const part = (first: number | '*', last: number) =>
  first === '*' ? `bytes */${file.length}` : `bytes ${first}-${last}/${file.length}`;

test('loses nothing that was answered to kill -9, and goes on with what was under way', async () => {
  await using folder = await temporaryDirectory();
  const dataDirectory = folder.path;
  let session = '';
  {
    await using obraz = await startObraz({ dataDirectory });
    await using http = openHttp(obraz);
    await makeBucket(http, obraz);
    const whole = await http.ask(`${uploadPath}?uploadType=media&name=whole`, { method: 'POST', body: file });
    assert.equal(whole.status, 200);
    const begun = await http.ask(`${uploadPath}?uploadType=resumable&name=x`, { method: 'POST' });
    session = new URL(String(begun.headers.location)).pathname + new URL(String(begun.headers.location)).search;
    const headers = { 'content-range': part(0, 2 * mib - 1) };
    const some = await http.ask(session, { method: 'PUT', body: file.subarray(0, 2 * mib), headers });
    assert.deepEqual([some.status, some.headers.range], [308, `bytes=0-${2 * mib - 1}`]);
    // More is on its way when the service ends.
    const [host, port] = obraz.endpoint.split(':');
    const socket = connect({ host, port: Number(port), ca: obraz.ca, servername: 'localhost' });
    socket.on('error', () => {});
    const head = [`PUT ${session} HTTP/1.1`, 'host: a', `authorization: Bearer ${obraz.token}`];
    const more = [`content-range: ${part(2 * mib, file.length - 1)}`, `content-length: ${4 * mib}`, '', ''];
    await new Promise((resolve) => socket.write([...head, ...more].join('\r\n'), resolve));
    await new Promise((resolve) => socket.write(file.subarray(2 * mib, 3 * mib), resolve));
    await obraz.end('SIGKILL');
    socket.destroy();
  }
  {
    await using obraz = await startObraz({ dataDirectory });
    await using http = openHttp(obraz);
    assert.ok(file.equals((await http.ask('/storage/v1/b/a-bucket/o/whole?alt=media')).bytes));
    assert.equal((await http.ask(objectPath)).status, 404);
    const asked = await http.ask(session, { method: 'PUT', headers: { 'content-range': part('*', 0) } });
    const from = Number(/^bytes=0-(\d+)$/.exec(String(asked.headers.range))?.[1]) + 1;
    assert.ok(asked.status === 308 && from >= 2 * mib, `${asked.status} ${asked.headers.range}`);
    const headers = { 'content-range': part(from, file.length - 1) };
    const done = await http.ask(session, { method: 'PUT', body: file.subarray(from), headers });
    assert.deepEqual([done.status, done.json().md5Hash], [200, md5]);
    await obraz.end('SIGKILL');
  }
  await using obraz = await startObraz({ dataDirectory });
  await using http = openHttp(obraz);
  const { bytes, headers } = await http.ask(`${objectPath}?alt=media`);
  assert.ok(file.equals(bytes));
  assert.match(String(headers['x-goog-hash']), new RegExp(`md5=${md5.replaceAll(/[+/]/g, '\\$&')}$`));
});

test('shows buckets to those who may make images in their folder, by either door’s roles', async () => {
  await using obraz = await startObraz();
  await using http = openHttp(obraz);
  await using door = openRestDoor(obraz);
  await makeBucket(http, obraz);
  await http.ask(`${uploadPath}?uploadType=media&name=x`, { method: 'POST', body: 'hello' });
  const { id, token } = await createAccount(door, obraz.folderId, 'reader');
  const unseen = await http.ask(objectPath, { token });
  assert.deepEqual([unseen.status, unseen.json().error.message], [404, 'The specified bucket does not exist.']);
  assert.equal((await http.ask('/storage/v1/b?project=default', { token })).status, 403);
  await bind(door, 'Folder', obraz.folderId, 'compute.viewer', id);
  assert.equal((await http.ask(objectPath, { token })).status, 404);
  await bind(door, 'Folder', obraz.folderId, 'compute.editor', id);
  assert.equal((await http.ask(`${objectPath}?alt=media`, { token })).bytes.toString(), 'hello');
  const listed = await http.ask('/storage/v1/b?project=default', { token });
  assert.deepEqual(
    listed.json().items.map(({ name }: { name: string }) => name),
    ['a-bucket'],
  );
  const { body } = await door
    .call('FolderService.Delete', { folderId: obraz.folderId })
    .catch((error) => ({ body: error }));
  assert.match(String(body.message), /delete its buckets, uploads/);
  const { records } = (await http.ask('/obraz/v1/audit?pageSize=100')).json();
  const ofObjects = records.map(({ method, resourceId }: Record<string, string>) => `${method} ${resourceId}`);
  for (const made of ['POST /storage/v1/b a-bucket', 'POST /upload/storage/v1/b/{bucket}/o a-bucket/x']) {
    assert.ok(ofObjects.includes(made), ofObjects.join('\n'));
  }
});
