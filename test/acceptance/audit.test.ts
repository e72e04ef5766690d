import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Agent, request } from 'undici';
import { runCommand } from '../fixtures/command.ts';
import { type Door, openGrpcDoor, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { failsWith, finish } from '../fixtures/finish-operation.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { createTenant, type Tenant } from '../fixtures/tenant.ts';

/** Who did what: recorded with what was done, and shown to the administrator. */

const zoneId = 'ru-central1-a';
const size = String(4 * 1024 ** 2);
const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
});
after(() => opened.disposeAsync());

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  describe(`audit through ${['gRPC', 'REST'][number]}`, () => {
    let door: Door;
    let tenant: Tenant;
    let as: { readonly token: string };

    before(async () => {
      door = open(obraz);
      tenant = await createTenant(door, `tenant-${number}`);
      as = { token: tenant.token };
    });
    after(() => door[Symbol.asyncDispose]());

    /** Records are JSON here. */
    const list = async (filter: object) => (await door.call('AuditService.List', { ...filter })).body.records ?? [];

    /** Refusals are written a moment after they were answered. */
    const untilListed = async (filter: object) => {
      for (;;) {
        const records = await list(filter);
        if (records.length > 0) return records;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };

    test('a change is there when it is answered: who, what, where, from where', async () => {
      const { folderId, cloudId } = tenant;
      const headers = { 'x-request-id': `request-${number}` };
      const { body } = await door.call('DiskService.Create', { folderId, zoneId, size }, { ...as, headers });
      const [record, ...others] = await list({ resourceId: body.response.id });
      assert.equal(others.length, 0);
      const { id: _id, createdAt: _at, peer, userAgent: _agent, ...facts } = record;
      assert.match(peer, /127\.0\.0\.1.*:\d+$/);
      assert.deepEqual(facts, {
        kind: 'CHANGE',
        subjectId: tenant.id,
        method: 'yandex.cloud.compute.v1.DiskService/Create',
        resourceId: body.response.id,
        folderId,
        cloudId,
        operationId: body.id,
        code: 'OK',
        requestId: `request-${number}`,
      });
    });

    test('an import is recorded when it begins and when it ends, without its address', async () => {
      const uri = `${files.put(`image-${number}.raw`, noise(4096, number))}?signature=secret`;
      const { made } = await finish(door, 'ImageService.Create', { folderId: tenant.folderId, uri });
      const records = await list({ resourceId: made.id });
      assert.deepEqual(
        records.map(({ kind, code }: { kind: string; code: string }) => [kind, code]),
        [
          ['OUTCOME', 'OK'],
          ['CHANGE', 'OK'],
        ],
      );
      assert.equal(records[0].operationId, records[1].operationId);
      assert.ok(!JSON.stringify(records).includes('secret'));
    });

    test('what is no operation is recorded, too', async () => {
      const attached = await finish(door, 'DiskService.Create', { folderId: tenant.folderId, zoneId, size });
      const { body } = await door.call('AttachmentService.Create', { diskId: attached.made.id }, as);
      const [record] = await list({ method: 'obraz.v1.AttachmentService/Create', resourceId: attached.made.id });
      assert.deepEqual([record?.subjectId, record?.code], [tenant.id, 'OK']);
      assert.ok(!JSON.stringify(record).includes(body.ticket ?? 'no ticket'));
    });

    test('reading leaves no record', async () => {
      const before = await list({ subjectId: tenant.id, pageSize: 1000 });
      await door.call('DiskService.List', { folderId: tenant.folderId }, as);
      await door.call('QuotaService.List', { cloudId: tenant.cloudId }, as);
      assert.equal((await list({ subjectId: tenant.id, pageSize: 1000 })).length, before.length);
    });

    test('a refused attempt is recorded, of somebody and of nobody', async () => {
      const folderId = obraz.folderId;
      const attempt = (token: string) => door.call('ImageService.Create', { folderId, uri: 'http://x/' }, { token });
      await assert.rejects(attempt(tenant.token), failsWith(7, /Permission denied/));
      const [refused] = await untilListed({ subjectId: tenant.id, folderId });
      assert.deepEqual([refused.kind, refused.code, refused.folderId], ['REFUSAL', 'PERMISSION_DENIED', folderId]);

      const headers = { 'x-request-id': `stranger-${number}` };
      const stranger = { token: 'no token', headers };
      await assert.rejects(door.call('DiskService.Delete', { diskId: 'fhm' }, stranger), failsWith(16, /invalid/));
      const method = 'yandex.cloud.compute.v1.DiskService/Delete';
      const records = await untilListed({ method });
      assert.deepEqual([records[0].code, records[0].subjectId], ['UNAUTHENTICATED', undefined]);
    });

    test('the deletion of a folder is found by its cloud', async () => {
      const { cloudId } = tenant;
      const { made } = await finish(door, 'FolderService.Create', { cloudId, name: 'short-lived' });
      await finish(door, 'FolderService.Delete', { folderId: made.id });
      const records = await list({ cloudId, resourceId: made.id });
      assert.deepEqual(
        records.map(({ method }: { method: string }) => method.split('/')[1]),
        ['Delete', 'Create'],
      );
    });

    test('it is for the administrator, and comes in pages', async () => {
      await assert.rejects(door.call('AuditService.List', {}, as), failsWith(7, /administrator/));
      const { body } = await door.call('AuditService.List', { pageSize: 1 });
      const { body: next } = await door.call('AuditService.List', { pageSize: 1, pageToken: body.nextPageToken });
      assert.notEqual(next.records[0].id, body.records[0].id);
    });
  });
}

test('an upload is recorded when it begins and when it goes', async () => {
  const agent = new Agent({ connect: { ca: obraz.ca } });
  const headers = { authorization: `Bearer ${obraz.token}`, 'tus-resumable': '1.0.0' };
  const send = (method: 'POST' | 'DELETE', path: string, more = {}) =>
    request(`https://${obraz.endpoint}${path}`, { method, dispatcher: agent, headers: { ...headers, ...more } });
  const created = await send('POST', '/obraz/v1/uploads', { 'upload-length': '10', 'obraz-folder-id': obraz.folderId });
  const path = String(created.headers.location);
  await send('DELETE', path);
  await agent.close();
  await using door = openGrpcDoor(obraz);
  const { body } = await door.call('AuditService.List', { folderId: obraz.folderId, pageSize: 2 });
  assert.deepEqual(
    body.records.map(({ method }: { method: string }) => method),
    ['DELETE /obraz/v1/uploads/{upload_id}', 'POST /obraz/v1/uploads'],
  );
  assert.equal(body.records[1].resourceId, path.split('/').at(-1));
});

test('the command line lists by time, by subject and by method', async () => {
  const run = async (...args: string[]) => {
    const ended = await runCommand(['audit', 'list', ...args, '--data', obraz.dataDirectory]);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  const method = 'yandex.cloud.resourcemanager.v1.CloudService/Create';
  const table = await run('--since', '1h', '--method', method);
  assert.match(table, /^TIME +KIND +SUBJECT +METHOD +RESOURCE +FOLDER +CODE +FROM/);
  assert.equal(table.match(/CHANGE/g)?.length, 2);
  const [record] = JSON.parse(await run('--method', method, '--limit', '1', '--format', 'json'));
  assert.deepEqual([record.method, record.kind], [method, 'CHANGE']);
  assert.equal(await run('--until', '2020-01-01T00:00:00Z', '--format', 'json'), '[]\n');
});
