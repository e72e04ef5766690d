import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../../fixtures/capture.ts';
import { openRestDoor, untilDone } from '../../../fixtures/doors.ts';
import { temporaryDirectory } from '../../../fixtures/obraz.ts';
import { type GoogleStage, setGoogleStage } from '../../google/stage.ts';
import { results } from './results.ts';

/**
 * Runs the acceptance tests of images, disks and snapshots that Google's Terraform provider has, against a service that it
 * starts: `node test/clients/google-terraform/acceptance/run.ts`. Needs go, terraform, GNU tar and ten minutes of building:
 * the tests of all services are one program. They are those of the module that ../provider/go.mod names, as they are.
 *
 * Prints how each ended. Exits with 1 when one did not end as results.ts says.
 */
const here = import.meta.dirname;
/** Of a build on a cold machine, and of the whole suite. */
const slow = { timeoutMs: 30 * 60 * 1000 };
/** Where modules come from is said by variables, too. */
const own = Object.entries(process.env).flatMap(([name, value]) =>
  value === undefined ? [] : [[name, value] as const],
);
const build = { ...slow, environment: Object.fromEntries(own) };
const module = 'github.com/hashicorp/terraform-provider-google';
const zones = ['a', 'b', 'c', 'f'].map((letter) => `us-central1-${letter}`);
const images = [
  ['debian-9-stretch-v20171129', 'debian-9'],
  ['debian-9-stretch-v20200805', 'debian-9'],
  ['debian-10-buster-v20200805', 'debian-10'],
] as const;
/** What the tests take an image of a file from; any tarball will do. */
const stemcell = 'bosh-gce-raw-stemcells/bosh-stemcell-97.98-google-kvm-ubuntu-xenial-go_agent-raw-1557960142.tar.gz';

await using opened = new AsyncDisposableStack();
const { path } = opened.use(await temporaryDirectory());
const suite = await buildSuite(path);
const stage = opened.use(await setGoogleStage({ flags: zones.flatMap((zone) => ['--zone', zone]) }));
stage.files.put(stemcell, stage.tarball);
await prepareProject(stage);
const ended = readResults(await runSuite(suite, stage));

let unexpected = 0;
for (const name of new Set([...Object.keys(results), ...ended.keys()])) {
  const expected = results[name]?.ends ?? 'not known';
  const actual = ended.get(name) ?? 'not run';
  if (actual !== expected) unexpected += 1;
  console.log(`${actual.padEnd(8)} ${name}${actual === expected ? '' : ` (expected: ${expected})`}`);
}
process.exitCode = unexpected === 0 ? 0 : 1;

/** Returns the test binary; the tests read files beside it. */
async function buildSuite(folder: string): Promise<string> {
  const provider = join(here, '..', 'provider');
  await capture(['go', 'mod', 'download', module], { cwd: provider, ...build });
  const source = (await capture(['go', 'list', '-m', '-f', '{{.Dir}}', module], { cwd: provider, ...build })).trim();
  const copy = join(folder, 'provider');
  await cp(source, copy, { recursive: true });
  await capture(['chmod', '-R', 'u+w', copy], { cwd: folder, ...slow }); // the module cache is read-only
  const binary = join(copy, 'google', 'suite');
  // What vet says of tests of other services is not to stop the build.
  await capture(['go', 'test', '-c', '-vet=off', '-o', binary, './google'], { cwd: copy, ...build });
  return binary;
}

/** What the tests expect to be there already: a project with images of Debian that everybody may use. */
async function prepareProject({ obraz, source }: GoogleStage): Promise<void> {
  await using door = openRestDoor(obraz);
  const { body: home } = await door.call('FolderService.Get', { folderId: obraz.folderId });
  const made = await door.call('FolderService.Create', { cloudId: home.cloudId, name: 'debian-cloud' });
  const { folderId } = made.body.metadata;
  const everybody = { roleId: 'viewer', subject: { id: 'allAuthenticatedUsers', type: 'system' } };
  await door.call('FolderService.SetAccessBindings', { resourceId: folderId, accessBindings: [everybody] });
  const uri = source.replace('https://storage.googleapis.com', stage.files.origin);
  for (const [name, family] of images) {
    const started = await door.call('ImageService.Create', { folderId, name, family, uri });
    await untilDone(door, started.body.id);
  }
}

/** Returns what the tests printed; that some fail is expected. */
async function runSuite(binary: string, { obraz, keyPath, caPath }: GoogleStage): Promise<string> {
  const which = '-test.run=TestAcc(DataSource)?Compute(Image|Disk|Snapshot)(_|Filter|Iam|$)';
  const command = [binary, '-test.v', '-test.parallel=2', '-test.timeout=25m', which];
  const environment = {
    TF_ACC: '1',
    TF_ACC_TERRAFORM_PATH: (await capture(['which', 'terraform'], { cwd: here, ...slow })).trim(),
    CHECKPOINT_DISABLE: '1',
    GOOGLE_CREDENTIALS: keyPath,
    GOOGLE_PROJECT: obraz.folderId,
    GOOGLE_REGION: 'us-central1',
    GOOGLE_ZONE: 'us-central1-a',
    GOOGLE_COMPUTE_CUSTOM_ENDPOINT: `https://${obraz.endpoint}/compute/v1/`,
    SSL_CERT_FILE: caPath,
  };
  return capture(command, { cwd: join(path, 'provider', 'google'), environment, codes: [0, 1], ...slow });
}

function readResults(printed: string): Map<string, string> {
  if (process.env.OBRAZ_TEST_SHOW === '1') console.log(printed);
  const lines = printed.matchAll(/^--- (PASS|FAIL|SKIP): (TestAcc\w+)/gm);
  const found = new Map([...lines].map(([, end = '', name = '']) => [name, end.toLowerCase()]));
  if (found.size === 0) throw new Error(`no test ran:\n${printed}`);
  return found;
}
