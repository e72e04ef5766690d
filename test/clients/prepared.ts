import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a test runs: a command, or why it can't be had on this machine. */
export type Prepared = { readonly command: readonly string[] } | { readonly missing: string };

const here = import.meta.dirname;
/** Kept between runs; `npm ci` removes it with node_modules. */
const cache = join(here, '..', '..', 'node_modules', '.cache', 'obraz-clients');
/** Long enough for the largest of the builds on a cold machine. */
const longestMs = 15 * 60 * 1000;

/** For the `skip` option of a test. */
export const whyMissing = (prepared: Prepared) => ('missing' in prepared ? prepared.missing : false);

/** The command; only for tests that are skipped when it is missing. */
export function commandOf(prepared: Prepared): readonly string[] {
  if ('missing' in prepared) throw new Error(prepared.missing);
  return prepared.command;
}

/** The program of a client in Python (`python/story.py`), in a virtual environment of its own for each requirements.txt. */
export async function preparePython(client = 'python'): Promise<Prepared> {
  const requirements = join(here, client, 'requirements.txt');
  const environment = join(cache, `${client}-${await versionOf(requirements)}`);
  const command = [join(environment, 'bin', 'python'), join(here, client, 'story.py')];
  const ready = join(environment, 'ready');
  if (await isThere(ready)) return { command };
  await rm(environment, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const venv = await run('python3', ['-m', 'venv', environment]);
  if (venv.code !== 0) return { missing: `needs python3 with venv (python3-venv):\n${venv.said}` };
  const pip = await run(command[0] ?? '', ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  if (pip.code !== 0) return unlessUnreachable('PyPI', pip.said);
  await writeFile(ready, '');
  return { command };
}

/**
 * A program of google-nodejs (`cloud-story.mjs`), beside its packages as package-lock.json there names them: they are
 * twice as large as all of the project's.
 */
export async function prepareGoogleNode(program: string): Promise<Prepared> {
  const folder = join(here, 'google-nodejs');
  const environment = join(cache, `google-nodejs-${await versionOf(join(folder, 'package-lock.json'))}`);
  const story = join(environment, program);
  const ready = join(environment, 'ready');
  if (!(await isThere(ready))) {
    await rm(environment, { recursive: true, force: true });
    await mkdir(environment, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      await copyFile(join(folder, file), join(environment, file));
    const npm = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], environment);
    if (npm.code !== 0) return unlessUnreachable('the npm registry', npm.said);
    await writeFile(ready, '');
  }
  await copyFile(join(folder, program), story);
  return { command: [process.execPath, story] };
}

/** Of what is installed by a file: its hash. */
async function versionOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
    .slice(0, 16);
}

/** A Go program of this folder (`go/v2`), or of one below it, built of modules from the module proxy. */
export async function prepareGo(program: string, below = ''): Promise<Prepared> {
  const output = join(cache, join(program, below).replaceAll('/', '-'));
  return buildGo(['build', '-o', output, `./${below}`], join(here, program), output);
}

/** grpcurl from the module proxy, in the version that go/grpcurl/go.mod names. */
export const prepareGrpcurl = (): Promise<Prepared> => {
  const output = join(cache, 'grpcurl');
  const module = 'github.com/fullstorydev/grpcurl/cmd/grpcurl';
  return buildGo(['build', '-o', output, module], join(here, 'go', 'grpcurl'), output);
};

/** Where the S3 server is once it was built. */
export const s3ServerPath = join(cache, 'versitygw');

/** The S3 server of the tests, Versity's gateway to a plain folder, in the version that test/s3/server/go.mod names. */
export const prepareS3Server = (): Promise<Prepared> => {
  const module = 'github.com/versity/versitygw/cmd/versitygw';
  const folder = join(here, '..', 's3', 'server');
  return buildGo(['build', '-ldflags=-s -w', '-o', s3ServerPath, module], folder, s3ServerPath);
};

/** A folder with the Terraform provider that OBRAZ_TEST_TERRAFORM_PROVIDER names, or else the one built of its modules. */
export async function prepareTerraform(): Promise<Prepared> {
  if ((await run('terraform', ['version'])).code !== 0) return { missing: 'needs terraform' };
  const given = process.env.OBRAZ_TEST_TERRAFORM_PROVIDER ?? '';
  if (given !== '') return { command: [given] };
  const output = join(cache, 'terraform', 'terraform-provider-yandex');
  await mkdir(dirname(output), { recursive: true });
  return buildGo(['build', '-ldflags=-s -w', '-o', output, '.'], join(here, 'terraform', 'provider'), output);
}

/** A folder with Google's provider that OBRAZ_TEST_TERRAFORM_GOOGLE_PROVIDER names, or else the one built of its modules. */
export async function prepareGoogleTerraform(): Promise<Prepared> {
  if ((await run('terraform', ['version'])).code !== 0) return { missing: 'needs terraform' };
  const given = process.env.OBRAZ_TEST_TERRAFORM_GOOGLE_PROVIDER ?? '';
  if (given !== '') return { command: [given] };
  const output = join(cache, 'terraform', 'terraform-provider-google');
  await mkdir(dirname(output), { recursive: true });
  return buildGo(['build', '-ldflags=-s -w', '-o', output, '.'], join(here, 'google-terraform', 'provider'), output);
}

/** gcloud as it is on this machine. */
export async function prepareGcloud(): Promise<Prepared> {
  if ((await run('gcloud', ['version'])).code === 0) return { command: ['gcloud'] };
  return { missing: 'needs gcloud (the Google Cloud CLI)' };
}

async function buildGo(args: readonly string[], cwd: string, output: string): Promise<Prepared> {
  if ((await run('go', ['version'])).code !== 0) return { missing: 'needs go (golang)' };
  await mkdir(cache, { recursive: true });
  // Of another name first: two tests may build the same at once.
  const unfinished = `${output}.${process.pid}`;
  const build = await run(
    'go',
    args.map((each) => (each === output ? unfinished : each)),
    cwd,
  );
  if (build.code !== 0) return unlessUnreachable('the Go module proxy', build.said);
  await rename(unfinished, output);
  return { command: [output] };
}

/**
 * A registry that can't be reached, or that does not offer a version (some offer a choice only), is a reason to leave a
 * client out. Any other failure is one to look at: a wrong checksum, code that does not compile.
 */
function unlessUnreachable(registry: string, said: string): Prepared {
  const unreachable =
    /dial tcp|i\/o timeout|proxyconnect|Could not resolve|Max retries exceeded|NewConnectionError|ENOTFOUND|ECONNREFUSED|ETIMEDOUT/;
  if (unreachable.test(said)) return { missing: `${registry} cannot be reached` };
  const refused =
    /^.*(?:: (?:403 Forbidden|404 Not Found|410 Gone)|No matching distribution found|npm error code E40[34]).*$/m.exec(
      said,
    );
  if (refused !== null) return { missing: `${registry} does not have what is needed: ${refused[0]}` };
  throw new Error(`A client could not be built:\n${said}`);
}

async function run(command: string, args: readonly string[], cwd?: string): Promise<{ code: number; said: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  try {
    const [code] = await once(child, 'close');
    return { code: code ?? -1, said };
  } catch (error) {
    return { code: -1, said: String(error) }; // there is no such command
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch {
    return false;
  }
}
