import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { capture } from '../../fixtures/capture.ts';
import { openRestDoor } from '../../fixtures/doors.ts';
import { smallDisk } from '../../fixtures/guest.ts';
import { openHttp } from '../../fixtures/http-client.ts';
import { startObraz, temporaryDirectory } from '../../fixtures/obraz.ts';
import { startProxyToOneHost } from '../../fixtures/proxy-to-one-host.ts';
import { bind, createAccount } from '../../fixtures/tenant.ts';
import { commandOf, prepareGo, whyMissing } from '../prepared.ts';
import { endpointOf } from '../run-story.ts';

/**
 * The post-processor knows one object store, storage.yandexcloud.net, and puts the bucket in front of that name. Its users
 * lead both names to the service in their network; a proxy stands in here for that.
 */
const bucket = 'packer-bucket';
const storageHosts = ['storage.yandexcloud.net', `${bucket}.storage.yandexcloud.net`];

const prepared = await prepareGo('go/packer', 'import');

test('Packer imports what it built: through a bucket of the service', { skip: whyMissing(prepared) }, async () => {
  await using folder = await temporaryDirectory();
  await using obraz = await startObraz({ flags: storageHosts.flatMap((host) => ['--tls-name', host]) });
  await using proxy = await startProxyToOneHost(obraz.endpoint);
  await using door = openRestDoor(obraz);
  await using http = openHttp(obraz);
  const { folderId } = obraz;
  const made = await http.ask(`/storage/v1/b?project=${folderId}`, { method: 'POST', body: `{"name":"${bucket}"}` });
  assert.equal(made.status, 200);
  const { id: serviceAccountId, token } = await createAccount(door, folderId, 'packer');
  await bind(door, 'Folder', folderId, 'admin', serviceAccountId);
  const file = join(folder.path, 'disk.qcow2');
  const disk = smallDisk(41);
  await writeFile(file, disk.qcow2);
  const said = await capture(commandOf(prepared), {
    environment: {
      STORY_ENDPOINT: endpointOf(obraz),
      STORY_TOKEN: token,
      STORY_FOLDER: folderId,
      STORY_SERVICE_ACCOUNT: serviceAccountId,
      STORY_BUCKET: bucket,
      STORY_FILE: file,
      SSL_CERT_FILE: join(obraz.dataDirectory, 'tls', 'ca.pem'),
      HTTPS_PROXY: proxy.url,
    },
  });
  const imageId = /^image: (\w+)$/m.exec(said)?.[1] ?? '';
  const { body: image } = await door.call('ImageService.Get', { imageId });
  assert.deepEqual([image.name, image.family, image.status], ['imported', 'imported', 'READY']);
  assert.ok(disk.guest.equals((await http.content(imageId)).bytes));
  // It leaves neither the file nor the key.
  assert.equal((await http.ask(`/storage/v1/b/${bucket}/o`)).json().items, undefined);
  const { body: keys } = await door.call('AccessKeyService.List', { serviceAccountId });
  assert.deepEqual(keys, {});
});
