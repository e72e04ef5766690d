import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { runCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise, smallDisk, twoEndedGuest } from '../fixtures/guest.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { postgresMissing, startPostgres } from '../fixtures/postgres.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';

/** The metadata, backed up under a working service and restored behind what went on since: docs/backup.md, step by step. */

const onlyFile = onlyLocal('PostgreSQL has its own tools for backups');

/** The command line on one data directory. */
class Cli {
  readonly dataDirectory: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(dataDirectory: string, env: Readonly<Record<string, string>> = {}) {
    this.dataDirectory = dataDirectory;
    this.#env = env;
  }

  try(...args: string[]) {
    return runCommand([...args, '--data', this.dataDirectory], { env: this.#env });
  }

  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  async images(folder = 'default'): Promise<{ id: string; name: string; status: string }[]> {
    return JSON.parse(await this.run('image', 'list', '--folder-name', folder, '--format', 'json'));
  }

  async download(id: string): Promise<Buffer> {
    const path = join(this.dataDirectory, `${id}.raw`);
    await this.run('image', 'download', id, path, '--force');
    return readFile(path);
  }

  /** Makes an image; returns what must be read of it. */
  async import(files: FileServer, name: string, seed: number): Promise<Buffer> {
    const { qcow2, guest } = smallDisk(seed);
    await this.run('image', 'create', '--name', name, '--source-uri', files.put(`${name}.qcow2`, qcow2));
    return guest;
  }

  async assertImages(expected: Readonly<Record<string, Buffer>>): Promise<void> {
    const found = await this.images();
    assert.deepEqual(found.map(({ name }) => name).sort(), Object.keys(expected).sort());
    for (const { id, name } of found) {
      const bytes = await this.download(id);
      assert.ok(expected[name] !== undefined && bytes.subarray(0, expected[name].length).equals(expected[name]), name);
    }
  }
}

test('what was acknowledged before the backup is there after the restore, in a new data directory with the same packs', {
  skip: onlyFile,
}, async () => {
  await using files = await startFileServer();
  await using folder = await temporaryDirectory();
  const [lost, found] = [join(folder.path, 'lost'), join(folder.path, 'found')];
  const backup = join(folder.path, 'backup.db');
  const expected: Record<string, Buffer> = {};
  {
    const cli = new Cli(lost);
    await using obraz = await startObraz({ dataDirectory: lost });
    expected.one = await cli.import(files, 'one', 51);
    expected.two = await cli.import(files, 'two', 52);
    const guest = twoEndedGuest(53);
    await cli.run('image', 'create', '--name', 'base', '--source-uri', files.put('base.raw', guest));
    expected.base = guest;
    await cli.run('disk', 'create', '--name', 'disk', '--source-image-name', 'base');
    await cli.run('snapshot', 'create', '--name', 'snapshot', '--disk-name', 'disk');

    const said = await cli.try('backup', backup);
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stdout, /^[\d.]+ [kKM]B of metadata are in .*backup\.db\n$/);
    assert.match(said.stderr, /copying/);
    const again = await cli.try('backup', backup);
    assert.deepEqual([again.code, /is there already/.test(again.stderr)], [2, true]);

    await cli.import(files, 'three', 54);
    await cli.run('image', 'delete', 'two');
    await cli.run('image', 'delete', 'base');
    const refused = await cli.try('restore', backup);
    assert.equal(refused.code, 3, 'not while a service runs');
    await obraz.end('SIGKILL');
  }
  assert.deepEqual((await readdir(folder.path)).sort(), ['backup.db', 'lost'], 'one file, without a log beside it');

  const cli = new Cli(found);
  await mkdir(found);
  // What the operator copies by other means: content, disks, and who the installation is.
  for (const name of ['packs', 'disks']) await rename(join(lost, name), join(found, name));
  for (const name of ['credentials', 'tls', 'installation-id']) {
    await cp(join(lost, name), join(found, name), { recursive: true });
  }
  assert.match(await cli.run('restore', backup), /^The metadata is as it was at 20\d\d-/);
  {
    await using _obraz = await startObraz({ dataDirectory: found });
    await cli.assertImages(expected);
    const checked = await cli.run('fsck', '--read-data');
    assert.match(checked, /: 0 errors/);
    await cli.run('image', 'create', '--name', 'of-snapshot', '--source-snapshot-name', 'snapshot');
    await cli.run('image', 'create', '--name', 'of-disk', '--source-disk-name', 'disk');
    Object.assign(expected, { 'of-snapshot': expected.base, 'of-disk': expected.base });
  }
  // Made since the backup: its content is found again, its name is not.
  assert.match(await cli.run('fsck', '--rebuild'), /1 that it had lost are back/);
  await using _obraz = await startObraz({ dataDirectory: found });
  const [recovered] = await cli.images('recovered');
  assert.ok((await cli.download(recovered?.id ?? '')).equals(smallDisk(54).guest));
  await cli.assertImages(expected);
  assert.match(await cli.run('fsck', '--read-data'), /: 0 errors, 0 warnings/);
});

test('a backup that is older than deleted content is kept says exactly what is missing', {
  skip: onlyFile,
}, async () => {
  await using files = await startFileServer();
  await using folder = await temporaryDirectory();
  const dataDirectory = join(folder.path, 'data');
  const cli = new Cli(dataDirectory);
  const backup = join(folder.path, 'backup.db');
  const kept: Record<string, Buffer> = {};
  {
    await using _obraz = await startObraz({ dataDirectory, flags: ['--keep-deleted', '0'] });
    kept.one = await cli.import(files, 'one', 61);
    await cli.import(files, 'two', 62);
    await cli.run('backup', backup);
    const packs = () => globSync(join(dataDirectory, 'packs', '*', '*'));
    const before = packs().length;
    await cli.run('image', 'delete', 'two');
    for (const until = Date.now() + 30_000; packs().length === before; ) assert.ok(Date.now() < until, 'not collected');
  }
  assert.match(await cli.run('restore', backup), /What was there before is in .*metadata\.db\.replaced-/);
  await using _obraz = await startObraz({ dataDirectory });
  const images = await cli.images();
  const [one, two] = ['one', 'two'].map((name) => images.find((image) => image.name === name)?.id ?? '');
  assert.ok((await cli.download(one ?? '')).equals(kept.one));
  const checked = await cli.try('fsck');
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /pack-missing/);
  const unread = await cli.try('image', 'download', two ?? '', join(folder.path, 'two.raw'));
  assert.equal(unread.code, 1);
});

test('what is no backup is refused, and what was there stays', { skip: onlyFile }, async () => {
  await using folder = await temporaryDirectory();
  const dataDirectory = join(folder.path, 'data');
  const cli = new Cli(dataDirectory);
  const none = await cli.try('backup', join(folder.path, 'backup.db'));
  assert.deepEqual([none.code, /there is no metadata in/.test(none.stderr)], [4, true]);
  {
    await using _obraz = await startObraz({ dataDirectory });
  }
  const text = join(folder.path, 'text');
  await writeFile(text, noise(20_000, 1));
  const stranger = join(folder.path, 'stranger.db');
  {
    using database = new DatabaseSync(stranger);
    database.exec('create table settings (name text, value text)');
  }
  for (const path of [text, stranger, join(folder.path, 'missing')]) {
    const refused = await cli.try('restore', path);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /cannot be restored/);
  }
  await using _obraz = await startObraz({ dataDirectory });
  assert.deepEqual(await cli.images(), []);
});

const dump = globSync('/usr/lib/postgresql/*/bin/pg_dump').sort().at(-1);

describe('with the metadata in PostgreSQL', {
  skip: postgresMissing || (dump === undefined && 'there is no pg_dump'),
}, () => {
  test('pg_dump under the service and pg_restore bring everything back', async () => {
    await using files = await startFileServer();
    await using folder = await temporaryDirectory();
    await using postgres = await startPostgres();
    const dataDirectory = join(folder.path, 'data');
    const expected: Record<string, Buffer> = {};
    const lost = { OBRAZ_DATABASE_URL: await postgres.createDatabase() };
    const backup = join(folder.path, 'backup.dump');
    const tool = (name: string) => (dump ?? '').replace(/pg_dump$/, name);
    {
      const cli = new Cli(dataDirectory, lost);
      await using obraz = await startObraz({ dataDirectory, env: lost });
      expected.one = await cli.import(files, 'one', 71);
      expected.two = await cli.import(files, 'two', 72);
      const refused = await cli.try('backup', join(folder.path, 'backup.db'));
      assert.deepEqual([refused.code, /pg_dump/.test(refused.stderr)], [2, true]);
      await promisify(execFile)(tool('pg_dump'), ['--format=custom', `--file=${backup}`, lost.OBRAZ_DATABASE_URL]);
      await cli.import(files, 'three', 73);
      await cli.run('image', 'delete', 'two');
      await obraz.end('SIGKILL');
    }
    const restored = { OBRAZ_DATABASE_URL: await postgres.createDatabase() };
    await promisify(execFile)(tool('pg_restore'), [`--dbname=${restored.OBRAZ_DATABASE_URL}`, backup]);
    const cli = new Cli(dataDirectory, restored);
    await using _obraz = await startObraz({ dataDirectory, env: restored });
    await cli.assertImages(expected);
    assert.match(await cli.run('fsck', '--read-data'), /: 0 errors/);
    await rm(backup);
  });
});
