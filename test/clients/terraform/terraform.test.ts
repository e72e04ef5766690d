import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openRestDoor } from '../../fixtures/doors.ts';
import { commandOf, prepareTerraform, whyMissing } from '../prepared.ts';
import { type Stage, setStage } from '../run-story.ts';
import { type Attributes, openWorkspace, type Workspace } from './workspace.ts';

/** Terraform with the published provider's own resources: what a configuration goes through in its life. */

const prepared = await prepareTerraform();
const [provider = ''] = whyMissing(prepared) === false ? commandOf(prepared) : [];

function open(stage: Stage, as: 'token' | 'key' = 'token'): Promise<Workspace> {
  const story = stage.environment(as);
  return openWorkspace({
    configuration: join(import.meta.dirname, 'configuration'),
    source: 'yandex-cloud/yandex',
    provider,
    environment: {
      TF_VAR_source_url: story.STORY_SOURCE ?? '',
      YC_ENDPOINT: story.STORY_ENDPOINT ?? '',
      YC_FOLDER_ID: story.STORY_FOLDER ?? '',
      YC_TOKEN: story.STORY_TOKEN ?? '',
      YC_SERVICE_ACCOUNT_KEY_FILE: story.STORY_KEY_FILE ?? '',
      SSL_CERT_FILE: story.STORY_CA ?? '',
    },
  });
}

const same = (one: Attributes, other: Attributes, names: readonly string[]) => {
  for (const name of names) assert.deepEqual(one[name], other[name], name);
};

const isEmpty = (value: unknown) =>
  value === null || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);

describe('Terraform', { skip: whyMissing(prepared) }, () => {
  test('makes images, disks and snapshots of each other, finds them, and has nothing to change then', async () => {
    await using stage = await setStage();
    await using workspace = await open(stage);
    await workspace.apply({});
    await workspace.expectNoChanges({});
    const made = await workspace.state();

    const image = made('yandex_compute_image.from_url');
    assert.equal(image.min_disk_size, 4);
    assert.equal(image.status, 'ready');
    assert.equal(image.os_type, 'LINUX');
    assert.deepEqual(image.labels, { made: 'by-terraform', empty: '' });
    assert.deepEqual(image.hardware_generation, [
      { generation2_features: [], legacy_features: [{ pci_topology: 'PCI_TOPOLOGY_V1' }] },
    ]);
    const attributes = ['id', 'name', 'folder_id', 'family', 'description', 'labels', 'min_disk_size', 'size'];
    for (const way of ['by_id', 'by_name', 'by_family']) {
      const found = made(`data.yandex_compute_image.${way}`);
      assert.equal(found.os_type, 'linux', "in the provider's own spelling of data sources");
      same(found, image, [...attributes, 'status', 'created_at', 'pooled', 'hardware_generation']);
    }

    const disk = made('yandex_compute_disk.of_image');
    assert.equal(disk.image_id, image.id);
    const snapshot = made('yandex_compute_snapshot.of_disk');
    for (const way of ['by_id', 'by_name']) {
      same(made(`data.yandex_compute_disk.${way}`), disk, ['id', 'size', 'type', 'zone', 'image_id']);
      const found = made(`data.yandex_compute_snapshot.${way}`);
      same(found, snapshot, ['id', 'disk_size', 'source_disk_id', 'labels', 'storage_size']);
    }

    // What the blank disk said of hardware came along with its bytes.
    const ofDisk = made('yandex_compute_image.of_disk');
    assert.deepEqual(ofDisk.hardware_generation, [
      { generation2_features: [], legacy_features: [{ pci_topology: 'PCI_TOPOLOGY_V2' }] },
    ]);
  });

  test('changes in place whatever can be changed, and nothing else', async () => {
    await using stage = await setStage();
    await using workspace = await open(stage);
    await workspace.apply({});
    const names = ['image.from_url', 'disk.of_image', 'snapshot.of_disk'].map((name) => `yandex_compute_${name}`);
    const before = await workspace.state();
    const changed = { description: 'changed', labels: '{"changed":"yes"}', name: 'renamed', size: '8' };
    await workspace.apply(changed);
    await workspace.expectNoChanges(changed);
    const made = await workspace.state();
    for (const name of names) {
      const after = made(name);
      assert.equal(after.id, before(name).id, name);
      assert.equal(after.name, 'renamed');
      assert.equal(after.description, 'changed');
      assert.deepEqual(after.labels, { changed: 'yes' });
    }
    assert.equal(made('yandex_compute_image.from_url').min_disk_size, 8);
    assert.equal(made('yandex_compute_disk.of_image').size, 8);
    const emptied = { ...changed, description: '', labels: '{}' };
    await workspace.apply(emptied);
    await workspace.expectNoChanges(emptied);
  });

  test("replaces an image by another of the same name when its family changes; with a service account's key", async () => {
    await using stage = await setStage();
    await using workspace = await open(stage, 'key');
    await workspace.apply({});
    const before = (await workspace.state())('yandex_compute_image.from_url');
    await workspace.apply({ family: 'another' });
    const after = (await workspace.state())('yandex_compute_image.from_url');
    assert.notEqual(after.id, before.id);
    assert.equal(after.name, before.name);
    assert.equal(after.family, 'another');
    await workspace.expectNoChanges({ family: 'another' });
  });

  test('imports what is there, sees what was deleted elsewhere, and destroys everything', async () => {
    await using stage = await setStage();
    await using workspace = await open(stage);
    await using door = openRestDoor(stage.obraz);
    await workspace.apply({});
    const made = await workspace.state();
    for (const name of [
      'yandex_compute_image.nameless',
      'yandex_compute_disk.empty',
      'yandex_compute_snapshot.of_disk',
    ]) {
      const known = made(name);
      await workspace.run('state', 'rm', name);
      await workspace.run('import', '-no-color', '-input=false', name, String(known.id));
      const imported = (await workspace.state())(name);
      // The API does not say of an image what it was made of, and the provider says nothing of what is empty.
      const told = Object.keys(known).filter((key) => !isEmpty(known[key]) && !/^(source_image|timeouts)$/.test(key));
      same(imported, known, told);
    }

    const { id: imageId } = made('yandex_compute_image.nameless');
    await door.call('ImageService.Delete', { imageId: String(imageId) });
    await workspace.apply({});
    assert.notEqual((await workspace.state())('yandex_compute_image.nameless').id, imageId);

    await workspace.run('destroy', '-no-color', '-input=false', '-auto-approve');
    const { folderId } = stage.obraz;
    assert.deepEqual((await door.call('ImageService.List', { folderId })).body, {});
    assert.deepEqual((await door.call('DiskService.List', { folderId })).body, {});
    assert.deepEqual((await door.call('SnapshotService.List', { folderId })).body, {});
  });
});
