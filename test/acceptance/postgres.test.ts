import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Door, openGrpcDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../fixtures/postgres.ts';

/** The service and a PostgreSQL server that come and go. */

describe('with its metadata in PostgreSQL', { skip: postgresMissing }, () => {
  let files: FileServer;
  let postgres: PostgresServer;
  before(async () => {
    files = await startFileServer();
    postgres = await startPostgres();
  });
  after(async () => {
    await files[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  const disk = smallDisk(77);

  async function importDisk(obraz: Obraz, door: Door): Promise<string> {
    const uri = files.put('postgres.qcow2', disk.qcow2);
    const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    const done = await untilDone(door, body.id);
    assert.equal(done.error, undefined);
    return String(body.metadata.imageId);
  }

  async function assertContent(obraz: Obraz, imageId: string): Promise<void> {
    await using http = openHttp(obraz);
    const { status, bytes } = await http.content(imageId);
    assert.equal(status, 200);
    assert.ok(bytes.equals(disk.guest));
  }

  test('images outlive a kill of the service', async () => {
    await using data = await temporaryDirectory();
    const env = { OBRAZ_DATABASE_URL: await postgres.createDatabase() };
    await using first = await startObraz({ dataDirectory: data.path, env });
    await using door = openGrpcDoor(first);
    const imageId = await importDisk(first, door);
    await first.end('SIGKILL');
    await using second = await startObraz({ dataDirectory: data.path, env });
    assert.equal(second.folderId, first.folderId);
    await assertContent(second, imageId);
  });

  test('while the database is away callers are told to try again, and then all goes on', async () => {
    await using obraz = await startObraz({ env: { OBRAZ_DATABASE_URL: await postgres.createDatabase() } });
    await using door = openGrpcDoor(obraz);
    const imageId = await importDisk(obraz, door);
    await postgres.stop();
    const unavailable = 14;
    await assert.rejects(door.call('ImageService.Get', { imageId }), { code: unavailable });
    await postgres.restart();
    await assertContent(obraz, imageId);
    await importDisk(obraz, door);
  });

  test('a database that belongs to another data directory is refused', async () => {
    // With a bucket it would be another process of the same installation.
    const env = { OBRAZ_DATABASE_URL: await postgres.createDatabase(), OBRAZ_BLOBS: '' };
    await using first = await startObraz({ env });
    await first.end();
    await assert.rejects(startObraz({ env }), /ended with 4:\nERROR: the database belongs to another data directory/);
  });

  test('a database that is not there is named, and its password is not', async () => {
    const env = { OBRAZ_DATABASE_URL: 'postgres://obraz:secret@127.0.0.1:1/images' };
    await assert.rejects(startObraz({ env }), (error: unknown) => {
      assert.match(String(error), /ended with 4:\nERROR: .*postgres:\/\/127\.0\.0\.1:1\/images.*ECONNREFUSED/);
      assert.doesNotMatch(String(error), /secret/);
      return true;
    });
  });
});
