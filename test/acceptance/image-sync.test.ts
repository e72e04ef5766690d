import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ended, runCommand, startCommand } from '../fixtures/command.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** `obraz image sync` against a started service, with publishers in memory. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
let files: FileServer;
let directory: string;

before(async () => {
  files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz());
  directory = opened.use(await temporaryDirectory()).path;
});
after(() => opened.disposeAsync());

const hex = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const run = (...args: string[]) => runCommand([...args, '--data', obraz.dataDirectory]);

interface Result {
  readonly family: string;
  readonly result: string;
  readonly version?: string;
  readonly image_id?: string;
  readonly name?: string;
  readonly deleted: readonly { readonly id: string }[];
  readonly problem?: string;
}

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A list of families in a file of its own. */
async function listFile(name: string, text: string): Promise<string> {
  const path = join(directory, `${name}.yaml`);
  await writeFile(path, text);
  return path;
}

async function sync(list: string, ...flags: string[]): Promise<Ended & { readonly results: readonly Result[] }> {
  const ended = await run('image', 'sync', '--file', list, '--format', 'json', ...flags);
  return { ...ended, results: ended.stdout === '' ? [] : JSON.parse(ended.stdout) };
}

async function imagesOf(family: string): Promise<Shown[]> {
  const filter = `family = "${family}"`;
  const listed = await run('image', 'list', '--folder-id', 'standard-images', '--filter', filter, '--format', 'json');
  return JSON.parse(listed.stdout);
}

/** Publishes the disk as a version of a product. */
function publishStream(folder: string, versions: Readonly<Record<string, number>>): string {
  const product = 'com.example:server:24.04:amd64';
  const listed = Object.entries(versions).map(([version, seed]) => {
    const { qcow2 } = smallDisk(seed);
    const path = `server/release-${version}/disk.img`;
    files.put(`${folder}/${path}`, qcow2);
    const item = { ftype: 'disk1.img', path, sha256: hex('sha256', qcow2), size: qcow2.length };
    return [version, { label: 'release', items: { 'disk1.img': item, manifest: { path: 'm', size: 1 } } }];
  });
  const products = { [product]: { arch: 'amd64', versions: Object.fromEntries(listed) } };
  const productsName = 'streams/v1/com.example:released:download.json';
  files.put(`${folder}/${productsName}`, Buffer.from(JSON.stringify({ format: 'products:1.0', products })));
  const index = {
    'com.example:released:aws': { format: 'products:1.0', datatype: 'image-ids', path: 'x', products: [product] },
    'com.example:released:download': {
      ...{ format: 'products:1.0', datatype: 'image-downloads' },
      ...{ path: productsName, products: [product] },
    },
  };
  return files.put(`${folder}/streams/v1/index.json`, Buffer.from(JSON.stringify({ format: 'index:1.0', index })));
}

test('fills families from every kind of publisher, and a second run does nothing', async () => {
  const index = publishStream('fill', { '20260101': 1, '20260101.2': 2, '20251231': 3 });
  const [old, recent] = [smallDisk(4).qcow2, smallDisk(5).qcow2];
  files.put('fill/debian/disk-9.qcow2', old);
  files.put('fill/debian/disk-10.qcow2', recent);
  const lines = [`${hex('sha512', old)}  disk-9.qcow2`, `${hex('sha512', recent)}  disk-10.qcow2`, 'x  disk-11.qcow2'];
  const sums = files.put('fill/debian/SHA512SUMS', Buffer.from(`${lines.join('\n')}\n`));
  const tagged = smallDisk(6).qcow2;
  files.put('fill/rocky/Rocky.qcow2', tagged);
  const text = `# Rocky.qcow2: ${tagged.length} bytes\nSHA256 (Rocky.qcow2) = ${hex('sha256', tagged)}\n`;
  const checksum = files.put('fill/rocky/CHECKSUM', Buffer.from(text));
  const fixed = smallDisk(7).qcow2;
  const list = await listFile(
    'fill',
    `
families:
  - family: fill-ubuntu
    simplestreams: ${index}
    product: com.example:server:24.04:amd64
    description: from a stream
    labels: { team: images }
    min_disk_size: 10GB
  - family: fill-debian
    sums: ${sums}
    file: disk-*.qcow2
  - family: fill-rocky
    sums: ${checksum}
    file: Rocky.qcow2
    os: windows
  - family: fill-fixed
    url: ${files.put('fill/fixed.qcow2', fixed)}
    sha256: ${hex('sha256', fixed).toUpperCase()}
`,
  );
  const dry = await sync(list, '--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.deepEqual(
    dry.results.map(({ result, image_id }) => [result, image_id]),
    Array.from({ length: 4 }, () => ['would-import', undefined]),
  );
  assert.deepEqual(await imagesOf('fill-ubuntu'), [], 'a dry run changes nothing');

  const first = await sync(list);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(
    first.results.map(({ family, result, version }) => [family, result, version]),
    [
      ['fill-ubuntu', 'imported', '20260101.2'],
      ['fill-debian', 'imported', '10'],
      ['fill-rocky', 'imported', undefined],
      ['fill-fixed', 'imported', undefined],
    ],
  );
  const [ubuntu] = await imagesOf('fill-ubuntu');
  const digest = hex('sha256', smallDisk(2).qcow2);
  assert.equal(ubuntu?.name, `fill-ubuntu-20260101-2-${digest.slice(0, 8)}`);
  assert.deepEqual(ubuntu?.labels, {
    team: 'images',
    'obraz-sync': 'fill-ubuntu',
    'obraz-sync-digest': `sha256-${digest.slice(0, 40)}`,
    'obraz-sync-version': '20260101.2',
  });
  const latest = ['image', 'get-latest-from-family', 'fill-rocky', '--folder-id', 'standard-images'];
  const rocky = JSON.parse((await run(...latest, '--format', 'json')).stdout);
  assert.deepEqual([rocky.id, rocky.os.type], [first.results[2]?.image_id, 'WINDOWS']);

  const second = await sync(list);
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(
    second.results.map(({ result, image_id, deleted }) => [result, image_id, deleted]),
    first.results.map(({ image_id }) => ['current', image_id, []]),
  );
  assert.equal(
    (await run('image', 'sync', '--file', list)).stdout.split('\n')[0],
    'FAMILY       RESULT   VERSION     IMAGE                 DELETED  PROBLEM',
  );
});

test('keeps the newest, and never deletes what it has not made', async () => {
  const family = 'kept-family';
  const list = await listFile(
    'kept',
    `
keep: 2
families:
  - { family: ${family}, simplestreams: "${files.origin}/kept/streams/v1/index.json", product: "com.example:server:24.04:amd64" }
`,
  );
  const uri = files.put('kept/own.qcow2', smallDisk(10).qcow2);
  const own = ['--folder-id', 'standard-images', '--family', family, '--source-uri', uri];
  const made = await run('image', 'create', ...own, '--name', 'made-by-hand', '--labels', 'obraz-sync=another');
  assert.equal(made.code, 0, made.stderr);
  const ids: string[] = [];
  for (const [index, version] of ['20260101', '20260102', '20260103', '20260104'].entries()) {
    publishStream('kept', { [version]: 20 + index });
    const { code, results, stderr } = await sync(list);
    assert.equal(code, 0, stderr);
    ids.push(results[0]?.image_id ?? '');
    const gone = index < 2 ? [] : [ids[index - 2]];
    assert.deepEqual(
      results[0]?.deleted.map(({ id }) => id),
      gone,
    );
  }
  const left = (await imagesOf(family)).map(({ id, name }) => (name === 'made-by-hand' ? name : id));
  assert.deepEqual(left.sort(), [...ids.slice(2), 'made-by-hand'].sort());

  // Whoever takes the label away takes the image out of the sync's hands.
  await run('image', 'remove-labels', ids[2] ?? '', '--labels', 'obraz-sync', '--folder-id', 'standard-images');
  publishStream('kept', { '20260105': 30 });
  const { results } = await sync(list);
  assert.deepEqual(results[0]?.deleted, []);
  assert.equal((await imagesOf(family)).length, 4);
});

test('a publisher that is down, lies or leads elsewhere costs its own family only', async () => {
  const good = smallDisk(40).qcow2;
  const url = files.put('trouble/good.qcow2', good);
  const index = files.put('trouble/SHA256SUMS', Buffer.from(`${hex('sha256', Buffer.from('x'))}  good.qcow2\n`));
  const abroad = {
    format: 'products:1.0',
    products: {
      p: { versions: { 1: { items: { 'disk1.img': { path: 'http://169.254.169.254/x', sha256: '0'.repeat(64) } } } } },
    },
  };
  const stream = files.put('trouble/streams/v1/abroad.json', Buffer.from(JSON.stringify(abroad)));
  const list = await listFile(
    'trouble',
    `
families:
  - { family: is-down, sums: "http://127.0.0.1:1/SHA256SUMS", file: a.qcow2 }
  - { family: is-gone, sums: "${files.origin}/nowhere", file: a.qcow2 }
  - { family: has-none, sums: "${index}", file: other.qcow2 }
  - { family: is-wrong, sums: "${index}", file: good.qcow2 }
  - { family: is-abroad, simplestreams: "${stream}", product: p }
  - { family: is-good, url: "${url}", sha256: ${hex('sha256', good)} }
`,
  );
  const { code, results, stderr } = await sync(list);
  assert.equal(code, 1);
  assert.match(stderr, /ERROR: 5 of 6 families failed: is-down, is-gone, has-none, is-wrong, is-abroad\.\n$/);
  const problems = new Map(results.map(({ family, problem = '' }) => [family, problem]));
  assert.match(problems.get('is-down') ?? '', /^http:\/\/127\.0\.0\.1:1\/SHA256SUMS cannot be read: .*ECONNREFUSED/);
  assert.match(problems.get('is-gone') ?? '', /\/nowhere answered with HTTP status 404/);
  assert.match(problems.get('has-none') ?? '', /lists no file "other\.qcow2" with its digest/);
  assert.match(problems.get('is-wrong') ?? '', /has the SHA-256 .* expected was /);
  assert.match(problems.get('is-abroad') ?? '', /169\.254\.169\.254.*list http:\/\/169\.254\.169\.254 under "origins"/);
  assert.equal(problems.get('is-good'), '');
  assert.deepEqual(await imagesOf('is-wrong'), [], 'what is not what its publisher said never becomes an image');
});

test('goes on where an interrupted run was', async () => {
  const { qcow2 } = smallDisk(50);
  const url = files.put('slow.qcow2', qcow2);
  const list = await listFile(
    'slow',
    `families: [{ family: slow-family, url: "${url}", sha256: ${hex('sha256', qcow2)} }]`,
  );
  files.hold(0, qcow2.length);
  try {
    await using first = startCommand(['image', 'sync', '--file', list, '--data', obraz.dataDirectory]);
    await first.untilSaid(/importing /);
    while ((await imagesOf('slow-family')).length === 0);
    first.kill('SIGINT');
    const { code, stderr } = await first.ended;
    assert.equal(code, 130);
    assert.match(stderr, /imports that are under way go on/);
    const [creating] = await imagesOf('slow-family');
    assert.equal(creating?.status, 'CREATING');

    await using second = startCommand(['image', 'sync', '--file', list, '--data', obraz.dataDirectory]);
    await second.untilSaid(/slow-family: waiting for image/);
    files.release();
    const ended = await second.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, new RegExp(`slow-family +imported +- +${creating?.id} `));
  } finally {
    files.release();
  }
});

test('two at once make each image once', async () => {
  const { qcow2 } = smallDisk(55);
  const url = files.put('twice.qcow2', qcow2);
  const text = `families: [{ family: twice-family, url: "${url}", sha256: ${hex('sha256', qcow2)} }]`;
  const list = await listFile('twice', text);
  files.hold(0, qcow2.length);
  try {
    const start = () => startCommand(['image', 'sync', '--file', list, '--data', obraz.dataDirectory]);
    await using one = start();
    await using other = start();
    await Promise.all([one, other].map((syncing) => syncing.untilSaid(/importing|waiting for image/)));
    while ((await imagesOf('twice-family')).length === 0);
    files.release();
    for (const { ended } of [one, other]) assert.equal((await ended).code, 0, (await ended).stderr);
    assert.equal((await imagesOf('twice-family')).length, 1);
  } finally {
    files.release();
  }
});

test('does it again and again, and outlives a bad round', async () => {
  const list = await listFile('again', 'families: [{ family: again-family, sums: "http://127.0.0.1:1/x", file: a }]');
  await using syncing = startCommand(['image', 'sync', '--file', list, '--every', '1s', '--data', obraz.dataDirectory]);
  await syncing.untilSaid(/1 of 1 families failed/);
  await writeFile(list, 'families: none');
  await syncing.untilSaid(/is not a list of images/);
  const { qcow2 } = smallDisk(60);
  const url = files.put('again.qcow2', qcow2);
  await writeFile(list, `families: [{ family: again-family, url: "${url}", sha256: ${hex('sha256', qcow2)} }]`);
  await syncing.untilSaid(/again-family: importing/);
  while ((await imagesOf('again-family'))[0]?.status !== 'READY');
  syncing.kill('SIGINT');
  assert.equal((await syncing.ended).code, 130);
});

test('says all that is wrong with a list before it does anything', async () => {
  const list = await listFile('wrong', 'keep: 0\nfamilies:\n  - { family: A, sums: "ftp://x", file: a/b, more: 1 }\n');
  const { code, stderr, stdout } = await run('image', 'sync', '--file', list);
  assert.deepEqual([code, stdout], [1, '']);
  for (const place of [
    'keep: 0',
    'families[0].family: "A"',
    'families[0].sums',
    'families[0].file',
    'families[0].more',
  ]) {
    assert.ok(stderr.includes(place), `${place} in ${stderr}`);
  }
});
