import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from '../../fixtures/command.ts';
import { type FileServer, startFileServer } from '../../fixtures/file-server.ts';
import { noise } from '../../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../../fixtures/obraz.ts';
import { writeSparse } from '../../fixtures/qemu.ts';
import { endpointOf } from '../run-story.ts';

const run = promisify(execFile);
const isGnu = `${spawnSync('tar', ['--version']).stdout}`.includes('GNU tar');

/** For the `skip` option of a test: tarballs of disks are made as their users make them. */
export const noGnuTar = isGnu ? false : 'needs GNU tar (package tar)';

/** The size of the disk in the tarball; that of the image is the next whole GiB. */
export const diskBytes = 3_101_184;

/** A service with what a story of a Google client needs around it: a bucket with tarballs, and a service account. */
export interface GoogleStage extends AsyncDisposable {
  readonly obraz: Obraz;
  /** Has the buckets: an object is at /BUCKET/OBJECT. */
  readonly files: FileServer;
  /** Those of its tarball of a disk, and of one that is none. */
  readonly source: string;
  readonly tarball: Buffer;
  readonly wrongSource: string;
  /** A key file in Google's form. Its account may do everything in the folder. */
  readonly keyPath: string;
  /** The account of the key, as its file names it; and who may do everything here. */
  readonly serviceAccount: string;
  readonly administratorId: string;
  readonly caPath: string;
  /** The variables that a story reads; which credentials it uses is said by `as`. */
  environment(as: 'token' | 'key'): Readonly<Record<string, string>>;
}

export async function setGoogleStage({
  flags = [],
}: {
  readonly flags?: readonly string[];
} = {}): Promise<GoogleStage> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory()).path;
  const files = opening.use(await startFileServer());
  const obraz = opening.use(await startObraz({ flags, env: { OBRAZ_OBJECT_STORE: files.origin } }));
  const tarball = await packDisk(join(directory, 'right'), 'disk.raw');
  files.put('story-bucket/disk.tar.gz', tarball);
  files.put('story-bucket/wrong.tar.gz', await packDisk(join(directory, 'wrong'), 'disk.img'));
  const keyPath = join(directory, 'key.json');
  await makeKey(obraz, keyPath);
  const bucket = 'https://storage.googleapis.com/story-bucket';
  const sources = { source: `${bucket}/disk.tar.gz`, wrongSource: `${bucket}/wrong.tar.gz` };
  const { client_email: serviceAccount } = await readJson(keyPath);
  const { service_account_id: administratorId } = await readJson(
    join(obraz.dataDirectory, 'credentials', 'admin-key.json'),
  );
  const caPath = join(obraz.dataDirectory, 'tls', 'ca.pem');
  const owned = opening.move();
  return {
    obraz,
    files,
    ...sources,
    tarball,
    keyPath,
    serviceAccount: serviceAccount ?? '',
    administratorId: administratorId ?? '',
    caPath,
    environment: (as) => ({
      STORY_ENDPOINT: endpointOf(obraz),
      STORY_PROJECT: obraz.folderId,
      STORY_ZONE: 'ru-central1-a',
      STORY_SOURCE: sources.source,
      STORY_WRONG_SOURCE: sources.wrongSource,
      STORY_CA: caPath,
      ...(as === 'token' ? { STORY_TOKEN: obraz.token } : { STORY_KEY_FILE: keyPath }),
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A tarball made as the public service's documentation says, of a disk of this name. */
async function packDisk(folder: string, name: string): Promise<Buffer> {
  await mkdir(folder);
  await writeSparse(join(folder, name), diskBytes, [
    [4096, noise(300_000, 41)],
    [diskBytes - 8192, noise(8192, 42)],
  ]);
  await run('tar', ['--format=oldgnu', '-Sczf', 'packed.tar.gz', name], { cwd: folder });
  return await readFile(join(folder, 'packed.tar.gz'));
}

async function makeKey({ dataDirectory }: Obraz, path: string): Promise<void> {
  const account = ['--service-account-name', 'story'];
  for (const command of [
    ['iam', 'service-account', 'create', 'story'],
    ['resource-manager', 'folder', 'add-access-binding', 'default', '--role', 'admin', ...account],
    ['iam', 'key', 'create', ...account, '--key-format', 'google', '--output', path],
  ]) {
    const { code, stderr } = await runCommand([...command, '--data', dataDirectory]);
    if (code !== 0) throw new Error(`${command.join(' ')}\n${stderr}`);
  }
}

async function readJson(path: string): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(path, 'utf8'));
}
