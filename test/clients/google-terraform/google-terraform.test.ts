import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type GoogleStage, noGnuTar, setGoogleStage } from '../google/stage.ts';
import { commandOf, prepareGoogleTerraform, whyMissing } from '../prepared.ts';
import { openWorkspace, type Workspace } from '../terraform/workspace.ts';

/** Terraform with Google's provider: what a configuration goes through in its life. */

const prepared = await prepareGoogleTerraform();
const [provider = ''] = whyMissing(prepared) === false ? commandOf(prepared) : [];

/** What releases since 5.0 ask for with a key file, and those before do not know: the one that is built here is one of these. */
const universe = 'provider "google" {\n  universe_domain = "obraz.internal"\n}\n';
const isNewer = (process.env.OBRAZ_TEST_TERRAFORM_GOOGLE_PROVIDER ?? '') !== '';

function open(stage: GoogleStage, as: 'token' | 'key'): Promise<Workspace> {
  const story = stage.environment(as);
  return openWorkspace({
    configuration: join(import.meta.dirname, 'configuration'),
    source: 'hashicorp/google',
    provider,
    files: as === 'key' && isNewer ? { 'universe_override.tf': universe } : {},
    environment: {
      TF_VAR_endpoint: `https://${story.STORY_ENDPOINT}/compute/v1/`,
      TF_VAR_source_url: stage.source,
      GOOGLE_PROJECT: story.STORY_PROJECT ?? '',
      GOOGLE_ZONE: story.STORY_ZONE ?? '',
      SSL_CERT_FILE: stage.caPath,
      ...(as === 'token' ? { GOOGLE_OAUTH_ACCESS_TOKEN: stage.obraz.token } : { GOOGLE_CREDENTIALS: stage.keyPath }),
    },
  });
}

const unasked = ['-no-color', '-input=false', '-auto-approve'];

/** Terraform asks for an operation at once, and then every ten seconds: each test makes little, and once. */
describe('Terraform, provider google', { skip: whyMissing(prepared) || noGnuTar }, () => {
  test('makes an image with an access token, and destroys it', async () => {
    await using stage = await setGoogleStage();
    await using workspace = await open(stage, 'token');
    await workspace.run('apply', ...unasked, '-target=google_compute_image.of_tarball');
    assert.equal((await workspace.state())('google_compute_image.of_tarball').name, 'terraform');
    await workspace.run('destroy', ...unasked);
  });

  test('makes images, disks and snapshots of each other, changes, replaces and imports them; with a key file', async () => {
    await using stage = await setGoogleStage();
    await using workspace = await open(stage, 'key');
    await workspace.apply({});
    await workspace.expectNoChanges({});
    const made = await workspace.state();

    const selfLinks = `https://www.googleapis.com/compute/v1/projects/${stage.obraz.folderId}`;
    const image = made('google_compute_image.of_tarball');
    assert.equal(image.self_link, `${selfLinks}/global/images/terraform`);
    assert.equal(image.disk_size_gb, 1);
    assert.deepEqual(image.labels, { made: 'by-terraform' });
    assert.deepEqual(image.guest_os_features, [{ type: 'UEFI_COMPATIBLE' }]);
    for (const way of ['by_name', 'by_family']) {
      const found = made(`data.google_compute_image.${way}`);
      for (const name of ['self_link', 'family', 'label_fingerprint', 'disk_size_gb', 'archive_size_bytes']) {
        assert.deepEqual(found[name], image[name], name);
      }
      assert.equal(found.status, 'READY');
    }
    const disk = made('google_compute_disk.of_image');
    assert.deepEqual([disk.image, disk.size, disk.type], [image.self_link, 2, 'pd-ssd']);
    assert.equal(made('google_compute_snapshot.of_disk').disk_size_gb, 2);
    assert.equal(made('google_compute_disk.of_snapshot').size, 2);
    assert.equal(made('google_compute_image.of_snapshot').disk_size_gb, 2);
    assert.equal(made('google_compute_image.of_image').source_image, image.self_link);

    const changed = { labels: '{"changed":"yes"}', size: '3', family: 'another' };
    await workspace.apply(changed);
    await workspace.expectNoChanges(changed);
    const after = await workspace.state();
    const [changedDisk, replaced] = [after('google_compute_disk.of_image'), after('google_compute_image.of_empty')];
    assert.equal(changedDisk.creation_timestamp, disk.creation_timestamp);
    assert.deepEqual([changedDisk.size, changedDisk.labels], [3, { changed: 'yes' }]);
    assert.equal(
      after('google_compute_snapshot.of_disk').creation_timestamp,
      made('google_compute_snapshot.of_disk').creation_timestamp,
    );
    assert.equal(replaced.family, 'another');
    assert.notEqual(replaced.creation_timestamp, made('google_compute_image.of_empty').creation_timestamp);

    const variables = Object.entries(changed).map(([name, value]) => `-var=${name}=${value}`);
    await workspace.run('state', 'rm', 'google_compute_image.of_empty');
    const id = `projects/${stage.obraz.folderId}/global/images/terraform-of-empty`;
    await workspace.run('import', '-no-color', '-input=false', ...variables, 'google_compute_image.of_empty', id);
    assert.equal(
      (await workspace.state())('google_compute_image.of_empty').creation_timestamp,
      replaced.creation_timestamp,
    );
    await workspace.run('destroy', ...unasked, ...variables);
  });
});
