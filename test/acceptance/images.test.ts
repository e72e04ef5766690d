import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Agent, request } from 'undici';
import { type Door, DoorError, openGrpcDoor, openRestDoor, untilDone } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** The life of images through both doors of one started service: what a person does on the first day. */

let obraz: Obraz;
let files: FileServer;
let agent: Agent;

before(async () => {
  files = await startFileServer();
  obraz = await startObraz();
  agent = new Agent({ connect: { ca: obraz.ca } });
});
after(async () => {
  await agent.close();
  await obraz[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function content(imageId: string, headers: Record<string, string> = {}) {
  const url = `https://${obraz.endpoint}/obraz/v1/images/${imageId}/content`;
  const all = { authorization: `Bearer ${obraz.token}`, ...headers };
  const response = await request(url, { dispatcher: agent, headers: all });
  return { ...response, bytes: Buffer.from(await response.body.arrayBuffer()) };
}

async function createFrom(door: Door, fields: Record<string, unknown>) {
  const started = await door.call('ImageService.Create', { folderId: obraz.folderId, ...(fields as object) });
  return { started: started.body, done: await untilDone(door, started.body.id), headers: started.headers };
}

function failsWith(code: number, check: (error: DoorError) => void = () => {}) {
  return (error: unknown) => {
    assert.ok(error instanceof DoorError, String(error));
    assert.equal(error.code, code, error.message);
    const requestInfo = error.details.find((detail) => String(detail['@type']).endsWith('google.rpc.RequestInfo'));
    assert.match(String(requestInfo?.requestId), /^[0-9a-f-]{36}$/);
    check(error);
    return true;
  };
}

for (const [number, open] of [openGrpcDoor, openRestDoor].entries()) {
  const name = ['gRPC', 'REST'][number] ?? '';
  describe(`images through ${name}`, () => {
    let door: Door;
    before(() => {
      door = open(obraz);
    });
    after(() => door[Symbol.asyncDispose]());

    test('a qcow2 file becomes an image that gives its bytes back', async () => {
      const disk = smallDisk(1 + number);
      const uri = files.put(`one-${number}.qcow2`, disk.qcow2);
      const { started, done, headers } = await createFrom(door, {
        name: `one-${number}`,
        description: 'the first',
        labels: { env: 'test', empty: '' },
        family: `family-${number}`,
        productIds: ['f2e0000000000000test'],
        os: { type: 'WINDOWS' },
        pooled: true,
        uri,
      });
      assert.equal(started.done ?? false, false);
      assert.equal(started.description, 'Create image');
      assert.equal(started.metadata['@type'], 'type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata');
      assert.ok(started.metadata.imageId);
      assert.equal(headers['x-operation-poll-interval'], '1');
      assert.match(String(headers['x-request-id']), /\S/);

      assert.equal(done.response['@type'], 'type.googleapis.com/yandex.cloud.compute.v1.Image');
      const { body: image } = await door.call('ImageService.Get', { imageId: started.metadata.imageId });
      const { '@type': _, ...response } = done.response;
      assert.deepEqual(response, image);
      assert.equal(image.status, 'READY');
      assert.equal(image.name, `one-${number}`);
      assert.deepEqual(image.labels, { env: 'test', empty: '' });
      assert.equal(image.os.type, 'WINDOWS');
      assert.equal(image.pooled, true);
      assert.deepEqual(image.productIds, ['f2e0000000000000test']);
      assert.equal(image.size, String(disk.guest.length));
      assert.equal(image.minDiskSize, String(disk.guest.length));
      assert.ok(Number(image.storageSize) > 200_000 && Number(image.storageSize) < 300_000, image.storageSize);
      assert.equal(image.hardwareGeneration.legacyFeatures.pciTopology, 'PCI_TOPOLOGY_V1');

      assert.match(image.obraz.guestDigest, /^[0-9a-f]{64}$/);
      const { features, ...found } = image.obraz.source.disk;
      const size = String(disk.qcow2.length);
      assert.deepEqual(found, { format: 'qcow2', size, virtualSize: image.size });
      assert.equal(features.cluster_bytes, 4096);
      assert.equal(features.compression, 'zlib');
      assert.equal(image.obraz.source.size, size);

      const { bytes, headers: contentHeaders } = await content(image.id);
      assert.equal(sha256(bytes), sha256(disk.guest));
      assert.match(String(contentHeaders.etag), /^"[0-9a-f]{64}"$/);
    });

    test('an image of an image is there at once, with what it inherits', async () => {
      const { body: list } = await door.call('ImageService.List', {
        folderId: obraz.folderId,
        filter: `name = "one-${number}"`,
      });
      const [source] = list.images;
      const started = await door.call('ImageService.Create', { folderId: obraz.folderId, imageId: source.id });
      assert.equal(started.body.done, true);
      const copy = started.body.response;
      assert.equal(copy.status, 'READY');
      assert.equal(copy.os.type, 'WINDOWS');
      assert.deepEqual(copy.productIds, source.productIds);
      assert.equal(copy.storageSize, source.storageSize);
      const [first, second] = await Promise.all([content(source.id), content(copy.id)]);
      assert.ok(first.bytes.equals(second.bytes));
      assert.equal(first.headers.etag, second.headers.etag);

      await door.call('ImageService.Delete', { imageId: source.id });
      assert.ok((await content(copy.id)).bytes.equals(first.bytes), 'a deleted source takes nothing with it');
    });

    test('names are unique, free after a Delete, and many images may have none', async () => {
      const uri = files.put('small.raw', noise(8192, 9));
      const imageName = `named-${number}`;
      const { started } = await createFrom(door, { name: imageName, uri });
      await assert.rejects(
        door.call('ImageService.Create', { folderId: obraz.folderId, name: imageName, uri }),
        failsWith(6, (error) => assert.equal(error.message, `Image with name "${imageName}" already exists`)),
      );
      const { body: deleted } = await door.call('ImageService.Delete', { imageId: started.metadata.imageId });
      await untilDone(door, deleted.id);
      await createFrom(door, { name: imageName, uri });
      await createFrom(door, { uri });
      await createFrom(door, { uri });
    });

    test('Update changes what its mask names, and without a mask everything', async () => {
      const uri = files.put('small.raw', noise(8192, 9));
      const { started } = await createFrom(door, {
        name: `update-${number}`,
        description: 'before',
        labels: { a: 'b' },
        uri,
      });
      const { imageId } = started.metadata;
      const masked = await door.call('ImageService.Update', {
        imageId,
        updateMask: 'description',
        description: 'after',
        name: 'ignored',
      });
      const first = (await untilDone(door, masked.body.id)).response;
      assert.equal(masked.body.metadata['@type'], 'type.googleapis.com/yandex.cloud.compute.v1.UpdateImageMetadata');
      assert.deepEqual([first.name, first.description, first.labels], [`update-${number}`, 'after', { a: 'b' }]);
      const whole = await door.call('ImageService.Update', {
        imageId,
        name: `updated-${number}`,
        minDiskSize: '8388608',
      });
      const second = (await untilDone(door, whole.body.id)).response;
      assert.deepEqual(
        [second.name, second.description, second.labels, second.minDiskSize],
        [`updated-${number}`, undefined, undefined, '8388608'],
      );
      await assert.rejects(
        door.call('ImageService.Update', { imageId, updateMask: 'family', name: 'x' }),
        failsWith(3, (error) => assert.deepEqual(error.fields, ['update_mask'])),
      );
    });

    test('the latest of a family is the newest that is READY', async () => {
      const family = `latest-${number}`;
      await assert.rejects(
        door.call('ImageService.GetLatestByFamily', { folderId: obraz.folderId, family }),
        failsWith(5, (error) => assert.equal(error.message, `Image "${family}" not found`)),
      );
      const uri = files.put('small.raw', noise(8192, 9));
      await createFrom(door, { family, uri });
      const { started } = await createFrom(door, { family, uri });
      const { body } = await door.call('ImageService.GetLatestByFamily', { folderId: obraz.folderId, family });
      assert.equal(body.id, started.metadata.imageId);
    });

    test('lists in pages, filtered and ordered', async () => {
      const uri = files.put('small.raw', noise(8192, 9));
      for (const letter of ['c', 'a', 'b']) {
        await createFrom(door, { name: `list-${number}-${letter}`, labels: { listed: `yes-${number}` }, uri });
      }
      const query = {
        folderId: obraz.folderId,
        filter: `labels.listed = 'yes-${number}'`,
        orderBy: 'name desc',
        pageSize: 2,
      };
      const { body: first } = await door.call('ImageService.List', query);
      assert.deepEqual(
        first.images.map((image: { name: string }) => image.name),
        [`list-${number}-c`, `list-${number}-b`],
      );
      assert.ok(first.nextPageToken.length <= 100);
      const { body: second } = await door.call('ImageService.List', { ...query, pageToken: first.nextPageToken });
      assert.deepEqual(
        second.images.map((image: { name: string }) => image.name),
        [`list-${number}-a`],
      );
      assert.equal(second.nextPageToken, undefined);
      await assert.rejects(
        door.call('ImageService.List', { ...query, orderBy: 'name', pageToken: first.nextPageToken }),
        failsWith(3, (error) => assert.deepEqual(error.fields, ['page_token'])),
      );
      await assert.rejects(
        door.call('ImageService.List', { ...query, filter: 'name ~ x' }),
        failsWith(3, (error) => assert.deepEqual(error.fields, ['filter'])),
      );
    });

    test('lists the operations of an image, newest first', async () => {
      const { started } = await createFrom(door, { uri: files.put('small.raw', noise(8192, 9)) });
      const { imageId } = started.metadata;
      await door.call('ImageService.Update', { imageId, updateMask: 'name', name: `ops-${number}` });
      const { body } = await door.call('ImageService.ListOperations', { imageId });
      assert.deepEqual(
        body.operations.map((operation: { description: string }) => operation.description),
        ['Update image', 'Create image'],
      );
    });

    test('errors name what is wrong, in the words that clients know', async () => {
      const uri = files.put('small.raw', noise(8192, 9));
      const { folderId } = obraz;
      await assert.rejects(
        door.call('ImageService.Get', { imageId: 'fd8unknown' }),
        failsWith(5, (error) => assert.equal(error.message, 'Image "fd8unknown" not found')),
      );
      for (const source of [{ imageId: 'fd8unknown' }, { diskId: 'fhmunknown' }, { snapshotId: 'fd8unknown' }]) {
        await assert.rejects(
          door.call('ImageService.Create', { folderId, ...source }),
          failsWith(9, (error) => assert.match(error.message, /^(Image|Disk|Snapshot) "\w+unknown" not found$/)),
        );
      }
      const wrong: [object, string][] = [
        [{ name: 'Upper', uri }, 'name'],
        [{ family: 'a', uri }, 'family'],
        [{ minDiskSize: '1', uri }, 'min_disk_size'],
        [{ labels: { Key: '' }, uri }, 'labels'],
        [{ folderId: '', uri }, 'folder_id'],
        [{ uri: 'file:///etc/passwd' }, 'uri'],
      ];
      for (const [fields, field] of wrong) {
        await assert.rejects(
          door.call('ImageService.Create', { folderId, ...fields }),
          failsWith(3, (error) =>
            assert.ok(
              error.fields.some((name) => name.startsWith(field)),
              `${field}: ${error.fields}`,
            ),
          ),
        );
      }
      await assert.rejects(door.call('ImageService.Create', { folderId }), failsWith(3));
      await assert.rejects(door.call('ImageService.Get', { imageId: 'x' }, { token: undefined }), failsWith(16));
      await assert.rejects(door.call('ImageService.Get', { imageId: 'x' }, { token: 't1.x.y' }), failsWith(16));
    });

    test('failed imports say why in the operation, and leave nothing behind', async () => {
      const html = files.put('page.qcow2', Buffer.from('<!DOCTYPE html><html><body>Not found</body></html>'));
      const cases: [string, number, RegExp][] = [
        [`${files.origin}/missing`, 5, /404/],
        [html, 3, /HTML/],
        [files.put('backing.qcow2', smallDiskWithBackingFile()), 3, /backing file/],
        ['http://127.0.0.2:1/x', 3, /--allow-source/],
        ['http://name.invalid/x', 3, /name.invalid/],
      ];
      for (const [uri, code, message] of cases) {
        const failedName = `failed-${number}`;
        const { done } = await createFrom(door, { name: failedName, uri });
        assert.equal(done.error?.code, code, `${uri}: ${JSON.stringify(done)}`);
        assert.match(done.error.message, message);
        const filter = `name = "${failedName}"`;
        const { body } = await door.call('ImageService.List', { folderId: obraz.folderId, filter });
        assert.equal(body.images, undefined);
      }
      const { done } = await createFrom(door, {
        minDiskSize: '4194304',
        uri: files.put('big.raw', Buffer.alloc(5 << 20)),
      });
      assert.match(done.error.message, /Minimal disk size should be greater or equal than 5242880/);
    });

    test('a file that is not the one that was meant becomes no image', async () => {
      const disk = smallDisk(40 + number);
      const uri = files.put(`digest-${number}.qcow2`, disk.qcow2);
      const right = sha256(disk.qcow2);
      const { done: made } = await createFrom(door, { uri, sourceSha256: right });
      assert.equal(made.response.status, 'READY');
      assert.equal(made.response.obraz.source.sha256, right);
      const { done: raw } = await createFrom(door, { uri: files.put(`digest-${number}.raw`, disk.guest) });
      assert.equal(raw.response.obraz.guestDigest, made.response.obraz.guestDigest, 'whatever file it came from');

      const { done: refused } = await createFrom(door, { uri, sourceSha256: right.replaceAll(/./g, '0') });
      assert.equal(refused.error.code, 9);
      assert.match(refused.error.message, new RegExp(`SHA-256 ${right}; expected was 0{64}`));
      files.put(`stated-${number}.raw`, disk.guest, {
        'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
      });
      const { done: stated } = await createFrom(door, { uri: `${files.origin}/stated-${number}.raw` });
      assert.equal(stated.error.code, 9, 'what the server states counts too');
      await assert.rejects(
        door.call('ImageService.Create', { folderId: obraz.folderId, uri, sourceSha256: 'abc' }),
        failsWith(3, (error) => assert.deepEqual(error.fields, ['source_sha256'])),
      );

      const sha512 = createHash('sha512').update(disk.qcow2).digest('hex');
      const { done: longer } = await createFrom(door, { uri, sourceSha512: sha512, sourceSha256: right });
      assert.equal(longer.response.status, 'READY');
      const { done: other } = await createFrom(door, { uri, sourceSha512: sha512.replaceAll(/./g, '0') });
      assert.equal(other.error.code, 9);
      assert.match(other.error.message, new RegExp(`SHA-512 ${sha512}; expected was 0{128}`));
    });

    test('a Create is started once however often it is sent under one idempotency key', async () => {
      const uri = files.put('small.raw', noise(8192, 9));
      const headers = { 'idempotency-key': crypto.randomUUID() };
      const body = { folderId: obraz.folderId, name: `once-${number}`, uri };
      const replies = await Promise.all([1, 2, 3].map(() => door.call('ImageService.Create', body, { headers })));
      assert.equal(new Set(replies.map((reply) => reply.body.id)).size, 1);
      await untilDone(door, replies[0]?.body.id);
      const again = await door.call('ImageService.Create', body, { headers });
      assert.equal(again.body.id, replies[0]?.body.id);
      assert.equal(again.body.done, true);
    });

    test('Cancel ends an import at once, and its image is gone', async () => {
      const uri = files.put(`slow-${number}.raw`, noise(24 << 20, 50 + number));
      files.limit(2 << 20);
      try {
        const { body: started } = await door.call('ImageService.Create', {
          folderId: obraz.folderId,
          name: `slow-${number}`,
          uri,
        });
        const { imageId } = started.metadata;
        let bytesRead = 0;
        while (bytesRead === 0) {
          const { body } = await door.call('OperationService.Get', { operationId: started.id });
          assert.equal(body.done ?? false, false, JSON.stringify(body));
          bytesRead = Number(body.metadata.progress?.bytesRead ?? 0);
        }
        const begun = performance.now();
        const { body: cancelled } = await door.call('OperationService.Cancel', { operationId: started.id });
        const tookMs = performance.now() - begun;
        assert.equal(cancelled.done, true);
        assert.equal(cancelled.error.code, 1);
        assert.ok(tookMs < 1_000, `${tookMs} ms`);
        await assert.rejects(door.call('ImageService.Get', { imageId }), failsWith(5));
        const sent = files.sentBytes();
        await new Promise((resolve) => setTimeout(resolve, 400));
        assert.ok(files.sentBytes() - sent <= 2 << 20, 'and nothing more is fetched');
      } finally {
        files.limit(Number.POSITIVE_INFINITY);
      }
    });
  });
}

function smallDiskWithBackingFile(): Buffer {
  const { qcow2 } = smallDisk(3);
  qcow2.writeBigUInt64BE(512n, 8);
  qcow2.writeUInt32BE(11, 16);
  qcow2.write('/etc/passwd', 512);
  return qcow2;
}

test('the unprefixed names are the same services with their own types', async () => {
  await using door = openGrpcDoor(obraz, { unprefixed: true });
  const uri = files.put('small.raw', noise(8192, 9));
  const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
  assert.equal(body.metadataType, 'type.googleapis.com/compute.v1.CreateImageMetadata');
  const done = await untilDone(door, body.id);
  assert.equal(done.responseType, 'type.googleapis.com/compute.v1.Image');
});

test('discovery, clouds and folders are found by both doors', async () => {
  for (const open of [openGrpcDoor, openRestDoor]) {
    await using door = open(obraz);
    const { body: endpoints } = await door.call('ApiEndpointService.List', {}, { token: undefined });
    const compute = endpoints.endpoints.find((endpoint: { id: string }) => endpoint.id === 'compute');
    assert.equal(compute.address, door.address, 'the address that the client came to');
    const { body: clouds } = await door.call('CloudService.List', {});
    const [cloud] = clouds.clouds;
    const { body: folders } = await door.call('FolderService.List', { cloudId: cloud.id, filter: 'name = "default"' });
    assert.equal(folders.folders[0].id, obraz.folderId);
    assert.equal((await door.call('FolderService.Get', { folderId: obraz.folderId })).body.cloudId, cloud.id);
    assert.equal((await door.call('CloudService.Get', { cloudId: cloud.id })).body.name, cloud.name);
  }
});
