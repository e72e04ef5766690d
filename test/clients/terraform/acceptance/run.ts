import { copyFile, cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../../fixtures/capture.ts';
import { openRestDoor, untilDone } from '../../../fixtures/doors.ts';
import { temporaryDirectory } from '../../../fixtures/obraz.ts';
import { type Stage, setStage } from '../../run-story.ts';
import { results } from './results.ts';

/**
 * Runs the Terraform provider's own acceptance tests of images, disks and snapshots against a service that it starts:
 * `node test/clients/terraform/acceptance/run.ts`. Needs go and terraform, and a minute or more of building. The tests
 * are those of the module that ../provider/go.mod names, as they are; a copy of it keeps the tests of these resources
 * only, and harness_test.go in place of what those share with tests that need the whole provider.
 *
 * Prints how each ended. Exits with 1 when one did not end as results.ts says.
 */
const here = import.meta.dirname;
/** Of a build on a cold machine, and of the whole suite. */
const slow = { timeoutMs: 15 * 60 * 1000 };
/** Where modules come from is said by variables, too. */
const own = Object.entries(process.env).flatMap(([name, value]) =>
  value === undefined ? [] : [[name, value] as const],
);
const build = { ...slow, environment: Object.fromEntries(own) };
const ours = /^(resource|data_source)_yandex_compute_(image|disk|snapshot)_test\.go$/;

await using opened = new AsyncDisposableStack();
const { path } = opened.use(await temporaryDirectory());
const suite = await buildSuite(path);
const stage = opened.use(await setStage());
const ended = readResults(await runSuite(suite, await prepareCloud(stage)));

let unexpected = 0;
for (const name of new Set([...Object.keys(results), ...ended.keys()])) {
  const expected = results[name]?.ends ?? 'not known';
  const actual = ended.get(name) ?? 'not run';
  if (actual !== expected) unexpected += 1;
  console.log(`${actual.padEnd(8)} ${name}${actual === expected ? '' : ` (expected: ${expected})`}`);
}
process.exitCode = unexpected === 0 ? 0 : 1;

/** Returns the test binary. */
async function buildSuite(path: string): Promise<string> {
  const module = 'github.com/yandex-cloud/terraform-provider-yandex';
  const provider = join(here, '..', 'provider');
  await capture(['go', 'mod', 'download', module], { cwd: provider, ...build });
  const source = (await capture(['go', 'list', '-m', '-f', '{{.Dir}}', module], { cwd: provider, ...build })).trim();
  const copy = join(path, 'provider');
  await cp(source, copy, { recursive: true });
  await capture(['chmod', '-R', 'u+w', copy], { cwd: path, ...slow }); // the module cache is read-only
  const tests = (await readdir(join(copy, 'yandex'))).filter((file) => file.endsWith('_test.go') && !ours.test(file));
  for (const file of tests) await rm(join(copy, 'yandex', file));
  await copyFile(join(here, 'harness_test.go'), join(copy, 'yandex', 'harness_test.go'));
  for (const file of ['go.mod', 'go.sum']) await copyFile(join(here, file), join(copy, file));
  const suite = join(path, 'suite');
  await capture(['go', 'test', '-c', '-o', suite, './yandex'], { cwd: copy, ...build });
  return suite;
}

/** What the tests expect of a cloud: images of two families in standard-images, and a second folder. */
async function prepareCloud(stage: Stage): Promise<Readonly<Record<string, string>>> {
  await using door = openRestDoor(stage.obraz);
  const story = stage.environment('token');
  const families = { 'ubuntu-1804-lts': 'LINUX', 'fotonsrv-kosmosvm2025': 'WINDOWS' };
  for (const [family, type] of Object.entries(families)) {
    const request = { folderId: 'standard-images', name: family, family, os: { type }, uri: story.STORY_SOURCE ?? '' };
    await untilDone(door, (await door.call('ImageService.Create', request)).body.id);
  }
  const { body: folder } = await door.call('FolderService.Get', { folderId: stage.obraz.folderId });
  const { body: made } = await door.call('FolderService.Create', { cloudId: folder.cloudId, name: 'target' });
  return {
    TF_ACC: '1',
    TF_ACC_TERRAFORM_PATH: (await capture(['which', 'terraform'], { cwd: here, ...slow })).trim(),
    CHECKPOINT_DISABLE: '1',
    YC_ENDPOINT: story.STORY_ENDPOINT ?? '',
    YC_TOKEN: story.STORY_TOKEN ?? '',
    YC_CLOUD_ID: folder.cloudId,
    YC_FOLDER_ID: stage.obraz.folderId,
    YC_ZONE: 'ru-central1-a',
    COMPUTE_TARGET_FOLDER: made.metadata.folderId,
    SSL_CERT_FILE: story.STORY_CA ?? '',
  };
}

/** Returns what the tests printed; that some fail is expected. */
function runSuite(suite: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const which = '-test.run=TestAcc(DataSource)?Compute(Image|Disk|Snapshot)_';
  const command = [suite, '-test.v', '-test.parallel=2', '-test.timeout=10m', which];
  return capture(command, { cwd: path, environment, codes: [0, 1], ...slow });
}

function readResults(printed: string): Map<string, string> {
  const lines = printed.matchAll(/^--- (PASS|FAIL|SKIP): (TestAcc\w+)/gm);
  const ended = new Map([...lines].map(([, end = '', name = '']) => [name, end.toLowerCase()]));
  if (ended.size === 0) throw new Error(`no test ran:\n${printed}`);
  return ended;
}
