import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { noise } from '../fixtures/guest.ts';
import { openHttp } from '../fixtures/http-client.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { environmentOf, type S3Server, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** A service that keeps uploads in a bucket, through its doors. */

const mib = 1024 * 1024;
const raw = noise(20 * mib, 71);
const uploadsPath = '/obraz/v1/uploads';
const tus = { 'tus-resumable': '1.0.0' };

describe('uploads of a service on a bucket', { skip: s3Missing }, () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
  });
  after(() => server[Symbol.asyncDispose]());

  test('one that was cut off by a kill goes on where it was, becomes an image, and leaves nothing', async () => {
    await using data = await temporaryDirectory();
    const settings = await server.createBucket('uploads');
    const options = { dataDirectory: join(data.path, 'data'), env: environmentOf(settings) };
    let id = '';
    {
      const obraz = await startObraz(options);
      await using http = openHttp(obraz);
      const headers = { ...tus, 'upload-length': String(raw.length), 'obraz-folder-id': obraz.folderId };
      const begun = await http.ask(uploadsPath, { method: 'POST', headers });
      id = String(begun.headers.location).slice(uploadsPath.length + 1);
      const sent = await send(http, id, 0, 9 * mib);
      assert.equal(sent.headers['upload-offset'], String(9 * mib));
      await obraz.end('SIGKILL');
    }
    assert.deepEqual(await readdir(join(options.dataDirectory, 'uploads')), [], 'nothing of it is on the machine');

    await using obraz = await startObraz(options);
    await using http = openHttp(obraz);
    await using door = openRestDoor(obraz);
    const { headers } = await http.ask(`${uploadsPath}/${id}`, { method: 'HEAD', headers: tus });
    assert.equal(headers['upload-offset'], String(9 * mib));
    await send(http, id, 9 * mib, raw.length);
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri: `obraz:upload/${id}` });
    const done = await untilDone(door, body.id);
    assert.equal(done.error, undefined, JSON.stringify(done.error));
    assert.ok((await http.content(done.metadata.imageId)).bytes.equals(raw));
    const pieces = join(server.folderOf(settings), 'uploads');
    while ((await readdir(pieces).catch(() => [])).length > 0) await wait(20);
  });

  function send(http: ReturnType<typeof openHttp>, id: string, from: number, to: number) {
    const headers = { ...tus, 'upload-offset': String(from), 'content-type': 'application/offset+octet-stream' };
    return http.ask(`${uploadsPath}/${id}`, { method: 'PATCH', headers, body: raw.subarray(from, to) });
  }
});
