import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';
import { openPostgres } from '../../src/db/open-postgres.ts';
import { openAttached } from '../fixtures/attached-disk.ts';
import { type Door, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { finish } from '../fixtures/finish-operation.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type HttpClient, openHttp } from '../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { postgresMissing, startPostgres } from '../fixtures/postgres.ts';
import { environmentOf, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** Processes with a role each, and a data directory each, on one PostgreSQL database and one bucket. */

const mib = 1024 * 1024;
const zone = 'ru-central1-a';

describe('several processes', { skip: postgresMissing || s3Missing }, () => {
  const opened = new AsyncDisposableStack();
  let env: Record<string, string>;
  let root: string;
  let files: FileServer;
  let apis: [Obraz, Obraz];
  /** The two APIs, so that what one does the other has to know. */
  let first: Door;
  let second: Door;
  const blocks = new Map<string, Obraz>();
  let folderId: string;

  const start = async (name: string, role: string): Promise<Obraz> => {
    const flags = ['--role', role, '--nbd', '127.0.0.1:0', '--keep-deleted', '0'];
    return opened.use(await startObraz({ dataDirectory: join(root, name), flags, env }));
  };
  const startBlock = async (name: string): Promise<void> => {
    const node = await start(name, 'block');
    blocks.set(node.nodeId, node);
  };
  const nodes = async () => (await first.call('NodeService.List', {})).body.nodes;
  const createDisk = async (fields: object, door = first) =>
    (await finish(door, 'DiskService.Create', { folderId, zoneId: zone, size: String(4 * mib), ...fields })).made.id;
  const attach = async (resource: JsonObject, door = first) =>
    (await door.call('AttachmentService.Create', resource)).body;
  const detach = (attachmentId: string, door = first) => door.call('AttachmentService.Delete', { attachmentId });

  /** What was stored becomes the disk's base a moment after its snapshot is READY. */
  const untilBased = async (diskId: string): Promise<void> => {
    await using db = await openPostgres(env.OBRAZ_DATABASE_URL ?? '');
    const base = db.read.selectFrom('disks').select('volume_id').where('id', '=', diskId);
    while ((await base.executeTakeFirstOrThrow()).volume_id === null) await wait(20);
  };

  before(async () => {
    root = opened.use(await temporaryDirectory()).path;
    const postgres = opened.use(await startPostgres());
    const server = opened.use(await startS3Server());
    files = opened.use(await startFileServer());
    env = { ...environmentOf(await server.createBucket()), OBRAZ_DATABASE_URL: await postgres.createDatabase() };
    // All at once, on nothing: whoever is first makes what all agree on.
    const starting = Promise.all([start('api-1', 'api'), start('api-2', 'api'), start('worker', 'worker')]);
    await Promise.all([starting, startBlock('block-1'), startBlock('block-2')]);
    const [one, two] = await starting;
    apis = [one, two];
    folderId = one.folderId;
    first = opened.use(openGrpcDoor(one));
    // With the first one's token and certificate authority.
    second = opened.use(openRestDoor({ ...two, token: one.token, ca: one.ca }));
  });
  after(() => opened.disposeAsync());

  test('know of each other', async () => {
    assert.equal(apis[1].folderId, folderId);
    const found = await nodes();
    assert.deepEqual(found.map(({ roles }: { roles: string[] }) => roles.join()).toSorted(), [
      ...['api', 'api', 'block', 'block', 'worker'],
    ]);
    assert.ok(found.every(({ running }: { running: boolean }) => running));
  });

  test('import what one was asked for, and show it at the other', async () => {
    const disk = smallDisk(61);
    const uri = files.put('several.qcow2', disk.qcow2);
    const { made } = await finish(first, 'ImageService.Create', { folderId, uri, name: 'several' });
    const { body } = await second.call('ImageService.Get', { imageId: made.id });
    assert.equal(body.status, 'READY');
    await using device = await openAttached((await attach({ imageId: made.id }, second)).uri);
    assert.ok((await device.read(0, disk.guest.length)).equals(disk.guest));
  });

  test('take an upload at one, go on with it at another, and import it at a third', async () => {
    const raw = noise(12 * mib, 62);
    const tus = { 'tus-resumable': '1.0.0' };
    const [one, two] = apis;
    await using here = openHttp(one);
    await using there = openHttp({ ...two, token: one.token, ca: one.ca });
    const begin = { ...tus, 'upload-length': String(raw.length), 'obraz-folder-id': folderId };
    const { location } = (await here.ask('/obraz/v1/uploads', { method: 'POST', headers: begin })).headers;
    const path = String(location);
    const send = async (http: HttpClient, from: number, to: number) => {
      const headers = { ...tus, 'upload-offset': String(from), 'content-type': 'application/offset+octet-stream' };
      return (await http.ask(path, { method: 'PATCH', headers, body: raw.subarray(from, to) })).status;
    };
    assert.equal(await send(here, 0, 5 * mib), 204);
    const asked = await there.ask(path, { method: 'HEAD', headers: tus });
    assert.equal(asked.headers['upload-offset'], String(5 * mib));
    const both = await Promise.all([send(here, 5 * mib, raw.length), send(there, 5 * mib, raw.length)]);
    assert.deepEqual(both.toSorted(), [204, 409]);
    const uri = `obraz:upload/${path.split('/').at(-1)}`;
    const { made } = await finish(second, 'ImageService.Create', { folderId, uri });
    assert.ok((await here.content(made.id)).bytes.equals(raw));
    assert.equal((await there.ask(path, { method: 'HEAD', headers: tus })).status, 404);
  });

  test('freeze a disk that is in use at another, and go on from its snapshot anywhere', async () => {
    const bytes = noise(mib, 5);
    const diskId = await createDisk({ name: 'frozen' });
    const { id, uri } = await attach({ diskId }, second);
    await using device = await openAttached(uri);
    await device.write(mib, bytes);
    const snapshots = await Promise.all(
      [first, second].map((door, at) => finish(door, 'SnapshotService.Create', { folderId, diskId, name: `at-${at}` })),
    );
    await device.write(mib, noise(mib, 6));
    await device.flush();
    await detach(id, first);
    await device.gone;
    for (const { made } of snapshots) {
      const { uri: theirs } = await attach({ diskId: await createDisk({ snapshotId: made.id }, second) });
      await using copy = await openAttached(theirs);
      assert.ok((await copy.read(mib, mib)).equals(bytes));
    }
    const { made: image } = await finish(second, 'ImageService.Create', { folderId, diskId });
    await using latest = await openAttached((await attach({ imageId: image.id })).uri);
    assert.ok((await latest.read(mib, mib)).equals(noise(mib, 6)));
  });

  test('spread disks over the nodes that have some', async () => {
    const used = new Set<string>();
    for (let count = 0; count < 4; count += 1)
      used.add((await attach({ diskId: await createDisk({}) })).uri.slice(0, -20));
    assert.ok(used.size > 1, [...used].join());
  });

  test('a disk’s node that was killed has what was flushed; one that is lost is given up by name', async () => {
    const diskId = await createDisk({ name: 'there' });
    const { id, uri } = await attach({ diskId });
    const kept = noise(mib, 7);
    const flushed = noise(mib, 8);
    {
      await using device = await openAttached(uri);
      await device.write(0, kept);
      await finish(second, 'SnapshotService.Create', { folderId, diskId });
      await untilBased(diskId);
      await device.write(0, flushed);
      await device.flush();
    }
    const port = Number(new URL(uri).port);
    const found = (await nodes()).find(({ nbdUrl = '' }) => nbdUrl.includes(`:${port}/`));
    const lost = blocks.get(found.id);
    assert.ok(lost !== undefined);
    await lost.end('SIGKILL');

    const again = opened.use(
      await startObraz({
        dataDirectory: lost.dataDirectory,
        flags: ['--role', 'block', '--nbd', `127.0.0.1:${port}`],
        env,
      }),
    );
    assert.equal(again.nodeId, lost.nodeId);
    {
      await using device = await openAttached(uri);
      assert.ok((await device.read(0, mib)).equals(flushed));
    }
    await assert.rejects(second.call('NodeService.Remove', { nodeId: lost.nodeId }), /is running; stop it first/);
    await again.end('SIGTERM');
    await assert.rejects(detach(id), new RegExp(`Node "${lost.nodeId}" is not running.*obraz node remove`));
    await assert.rejects(attach({ diskId, mode: 'READ_ONLY' }), /is at node ".*", which is not running/);

    const { body } = await second.call('NodeService.Remove', { nodeId: lost.nodeId });
    assert.ok(body.diskIds.includes(diskId));
    {
      await using device = await openAttached((await attach({ diskId })).uri);
      assert.ok((await device.read(0, mib)).equals(kept), 'what was last stored');
    }
    // It comes back with what it had, which is nobody's any more.
    await using back = await startObraz({
      dataDirectory: lost.dataDirectory,
      flags: ['--role', 'block', '--nbd', '127.0.0.1:0'],
      env,
    });
    assert.match(back.log(), /this node was removed as lost/);
  });
});
