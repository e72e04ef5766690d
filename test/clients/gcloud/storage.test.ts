import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { noise } from '../../fixtures/guest.ts';
import { openHttp } from '../../fixtures/http-client.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../../fixtures/obraz.ts';
import { writeSparse } from '../../fixtures/qemu.ts';
import { diskBytes, noGnuTar } from '../google/stage.ts';
import { prepareGcloud, whyMissing } from '../prepared.ts';

const run = promisify(execFile);
const mib = 1024 * 1024;
const prepared = await prepareGcloud();

/** Files put into buckets by an unmodified gcloud, and images made of them. */
describe('gcloud storage', { skip: whyMissing(prepared) }, () => {
  const cleanUp = new AsyncDisposableStack();
  let obraz: Obraz;
  let folder: string;
  after(() => cleanUp.disposeAsync());
  before(async () => {
    obraz = cleanUp.use(await startObraz());
    folder = cleanUp.use(await temporaryDirectory()).path;
    await writeFile(join(folder, 'token'), obraz.token);
    assert.equal((await gcloud('storage', 'buckets', 'create', 'gs://a-bucket')).code, 0);
  });

  /** Its exit code and what it printed. A service that does not answer is not waited for. */
  async function gcloud(...args: readonly string[]): Promise<{ code: unknown; stdout: Buffer; stderr: string }> {
    const { PATH, HOME } = process.env;
    const root = `http://${obraz.endpoint}`;
    const env = {
      PATH,
      HOME,
      CLOUDSDK_CONFIG: join(folder, 'gcloud'),
      CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${root}/storage/v1/`,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${root}/compute/v1/`,
      CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: join(folder, 'token'),
      CLOUDSDK_CORE_PROJECT: obraz.folderId,
      CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
      CLOUDSDK_CORE_CHECK_GCE_METADATA: '0',
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
      CLOUDSDK_STORAGE_MAX_RETRIES: '1',
    };
    const options = { cwd: folder, env, timeout: 30_000, encoding: 'buffer', maxBuffer: 64 * mib } as const;
    const { promise, resolve } = Promise.withResolvers<{ code: unknown; stdout: Buffer; stderr: string }>();
    execFile('gcloud', [...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr: stderr.toString() }),
    );
    return promise;
  }

  async function succeeds(...args: readonly string[]): Promise<Buffer> {
    const { code, stdout, stderr } = await gcloud(...args);
    assert.equal(code, 0, `${args.join(' ')}\n${stderr}`);
    return stdout;
  }

  test('copies small and large files up and down, shows, lists and removes them', async () => {
    const [small, large] = [noise(1000, 1), noise(40 * mib, 2)];
    await writeFile(join(folder, 'small.bin'), small);
    await writeFile(join(folder, 'large.bin'), large);
    await writeFile(join(folder, 'empty'), '');
    await succeeds('storage', 'cp', 'small.bin', 'empty', 'gs://a-bucket/');
    await succeeds('storage', 'cp', 'large.bin', 'gs://a-bucket/dir/of it/');
    assert.equal(
      (await succeeds('storage', 'ls', 'gs://a-bucket')).toString(),
      'gs://a-bucket/empty\ngs://a-bucket/small.bin\ngs://a-bucket/dir/\n',
    );
    assert.match(
      (await succeeds('storage', 'ls', '-l', 'gs://a-bucket/**')).toString(),
      /41943040 .* gs:\/\/a-bucket\/dir\/of it\/large.bin\n.*TOTAL: 3 objects/s,
    );
    assert.ok(
      small.subarray(10, 21).equals(await succeeds('storage', 'cat', '-r', '10-20', 'gs://a-bucket/small.bin')),
    );
    await succeeds('storage', 'cp', 'gs://a-bucket/dir/of it/large.bin', 'down.bin');
    assert.ok(large.equals(await readFile(join(folder, 'down.bin'))));
    await succeeds('storage', 'rm', 'gs://a-bucket/small.bin');
    const gone = await gcloud('storage', 'rm', 'gs://a-bucket/small.bin');
    assert.deepEqual([gone.code, /matched no objects/.test(gone.stderr)], [1, true]);
    const full = await gcloud('storage', 'buckets', 'delete', 'gs://a-bucket');
    assert.match(full.stderr, /Bucket is not empty/);
  });

  test('puts a file above its limit for parts in one piece', async () => {
    await writeSparse(join(folder, 'huge.bin'), 151 * mib, [[100 * mib, noise(mib, 3)]]);
    await succeeds('storage', 'cp', 'huge.bin', 'gs://a-bucket/');
    const sums = await run('md5sum', ['huge.bin'], { cwd: folder });
    const format = '--format=value(size,md5_hash)';
    const kept = await succeeds('storage', 'objects', 'describe', 'gs://a-bucket/huge.bin', format);
    const md5 = Buffer.from(sums.stdout.slice(0, 32), 'hex').toString('base64');
    assert.equal(kept.toString().trim(), `${151 * mib}\t${md5}`);
  });

  test('is told what is wrong', async () => {
    await writeFile(join(folder, 'small.bin'), 'x');
    const missing = await gcloud('storage', 'cp', 'small.bin', 'gs://no-such-bucket/');
    assert.deepEqual(
      [missing.code, /gs:\/\/no-such-bucket not found: 404/.test(missing.stderr)],
      [1, true],
      missing.stderr,
    );
    const taken = await gcloud('storage', 'buckets', 'create', 'gs://a-bucket');
    assert.match(taken.stderr, /HTTPError 409: Your previous request to create the named bucket succeeded/);
    const foreign = await gcloud('storage', 'buckets', 'create', 'gs://b-bucket', '--project=not-there');
    assert.match(foreign.stderr, /projects\/not-there/);
  });

  test('makes an image of an object, which stays', { skip: noGnuTar }, async () => {
    await mkdir(join(folder, 'disk'));
    await writeSparse(join(folder, 'disk', 'disk.raw'), diskBytes, [[4096, noise(300_000, 41)]]);
    await run('tar', ['--format=oldgnu', '-Sczf', '../disk.tar.gz', 'disk.raw'], { cwd: join(folder, 'disk') });
    await succeeds('storage', 'buckets', 'create', 'gs://c-bucket');
    await succeeds('storage', 'cp', 'disk.tar.gz', 'gs://c-bucket/dir/');
    const create = [
      'compute',
      'images',
      'create',
      '--source-uri=gs://c-bucket/dir/disk.tar.gz',
      '--format=value(id,status)',
    ];
    const [id = '', status] = (await succeeds(...create, 'of-an-object')).toString().trim().split('\t');
    assert.deepEqual([/^\d+$/.test(id), status], [true, 'READY']);
    await using http = openHttp(obraz);
    const { images } = (await http.ask(`/compute/v1/images?folderId=${obraz.folderId}`)).json();
    const image = images.find(({ name }: { name: string }) => name === 'of-an-object');
    const { bytes } = await http.content(image.id, { range: `bytes=0-${diskBytes - 1}` });
    assert.ok((await readFile(join(folder, 'disk', 'disk.raw'))).equals(bytes));
    const missing = await gcloud('compute', 'images', 'create', 'of-none', '--source-uri=gs://c-bucket/none.tar.gz');
    assert.match(missing.stderr, /none\.tar\.gz' of type 'Google Cloud Storage object' was not found/);
    await succeeds('storage', 'rm', '-r', 'gs://c-bucket');
    assert.equal((await succeeds('storage', 'ls')).toString(), 'gs://a-bucket/\n');
  });
});
