import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { BlockDevice } from '../../src/formats/block-device.ts';
import { type ImportBench, openImportBench } from '../fixtures/import-bench.ts';
import { noise, temporaryFolder, writeSparse } from '../fixtures/qemu.ts';

const run = promisify(execFile);
const missing = ['tar', 'gzip'].filter((tool) => spawnSync(tool, ['--version'], { input: '' }).error !== undefined);
const isGnu = `${spawnSync('tar', ['--version']).stdout}`.includes('GNU tar');
const skip = missing.length > 0 || !isGnu ? 'needs GNU tar and gzip (packages tar and gzip)' : false;

const gib = 2 ** 30;
const form = 'raw-tar-gz';

let bench: ImportBench;
before(async () => {
  bench = await openImportBench();
});
after(() => bench[Symbol.asyncDispose]());

type Parts = readonly [offset: number, bytes: Buffer][];

/** Makes a file by shell commands, in a folder with `disk.raw`; the last of them writes `file`. */
async function make(commands: string, sizeBytes: number, parts: Parts): Promise<Buffer> {
  await using folder = await temporaryFolder();
  await writeSparse(folder.path('disk.raw'), sizeBytes, parts);
  const path = folder.path('file');
  await run('sh', ['-ec', commands], { cwd: dirname(path) });
  return await readFile(path);
}

/** The guest holds these parts, and else zeros: those that were stored are read, the rest is known to be holes. */
async function assertHolds(device: BlockDevice, parts: Parts): Promise<void> {
  for (const [offset, bytes] of parts) {
    const actual = Buffer.alloc(bytes.length);
    await device.readAt(actual, offset);
    assert.ok(actual.equals(bytes), `${bytes.length} bytes at ${offset}`);
  }
  for await (const { offset, length, kind } of device.extents(0, device.sizeBytes)) {
    if (kind !== 'data') continue;
    const expected = Buffer.alloc(length);
    for (const [at, bytes] of parts) {
      const from = Math.max(at, offset);
      const to = Math.min(at + bytes.length, offset + length);
      if (from < to) expected.set(bytes.subarray(from - at, to - at), from - offset);
    }
    const actual = Buffer.alloc(length);
    await device.readAt(actual, offset);
    assert.ok(actual.equals(expected), `${length} bytes at ${offset}`);
  }
}

const small: Parts = [
  [0, noise(512, 1)],
  [65_536, noise(200_000, 2)],
  [5_000_192, noise(100_000, 3)],
  [20_000_299, Buffer.from('!')],
];
/** More ranges than a header and three blocks behind it have room for. */
const scattered: Parts = Array.from({ length: 150 }, (_, index) => [index * 65_536, noise(4096, index)]);

interface Good {
  readonly what: string;
  readonly make: string;
  readonly sizeBytes: number;
  readonly parts: Parts;
}

const oldgnu = (options = '') => `tar --format=oldgnu ${options} -Sczf file disk.raw`;

const good: readonly Good[] = [
  ...['oldgnu', 'gnu'].flatMap((format) =>
    ['', '-S'].map((sparse) => ({
      what: `--format=${format} ${sparse}`,
      make: `tar --format=${format} ${sparse} -czf file disk.raw`,
      sizeBytes: 20_000_300,
      parts: small,
    })),
  ),
  { what: 'a large map', make: oldgnu(), sizeBytes: 150 * 65_536, parts: scattered },
  {
    what: 'holes of more than the 8 GiB that octal digits tell',
    make: oldgnu(),
    sizeBytes: 20 * gib + 512,
    parts: [
      [0, noise(4096, 1)],
      [10 * gib, noise(4096, 2)],
      [20 * gib, noise(512, 3)],
    ],
  },
  { what: 'nothing but a hole', make: oldgnu(), sizeBytes: 10 * gib, parts: [] },
  { what: 'one byte', make: oldgnu(), sizeBytes: 1, parts: [[0, Buffer.from('x')]] },
  {
    what: 'two gzip members',
    make: `${tarTo('-S')} | (head -c 3000 | gzip; gzip) > file`,
    sizeBytes: 3_101_184,
    parts: small.slice(0, 2),
  },
  { what: 'records of 1 MiB', make: oldgnu('-b 2048'), sizeBytes: 3_101_184, parts: small.slice(0, 2) },
  {
    what: 'a guest that looks like a qcow2 with a backing file',
    make: oldgnu(),
    sizeBytes: gib,
    parts: [[0, Buffer.from('514649fb0000000300000000000002000000000b', 'hex')]],
  },
];

function tarTo(options: string): string {
  return `tar --format=oldgnu ${options} -cf - disk.raw`;
}

for (const { what, make: commands, sizeBytes, parts } of good) {
  test(`imports ${what} byte for byte, as a disk of whole GiB`, { skip }, async () => {
    const file = await make(commands, sizeBytes, parts);
    const sha1 = createHash('sha1').update(file).digest('hex');
    const { device, error } = await bench.import(file, { form, sha1, roundUpToBytes: gib });
    if (device === undefined) assert.fail(error.message);
    await using image = device;
    assert.equal(image.sizeBytes, Math.ceil(sizeBytes / gib) * gib);
    await assertHolds(image, parts);
  });
}

const notValid = 'The tar archive is not a valid image. ';
const format = 'The tar archive format is not supported. Supported formats are: GNU and OLDGNU. ';
const named = (name: string) =>
  `The file inside the tar archive was named ''${name}''. It should be named ''disk.raw''. `;

/** What the file is, how it is made, what the error begins with, and what it says as well. */
const bad: readonly (readonly [what: string, commands: string, sentence: string, says: RegExp])[] = [
  ['--format=pax', 'tar --format=pax -Sczf file disk.raw', format, /This one is POSIX \(PAX\)\. Pack the disk /],
  ['--format=ustar', 'tar --format=ustar -czf file disk.raw', format, /This one is ustar\./],
  ['--format=v7', 'tar --format=v7 -czf file disk.raw', format, /This one is v7\./],
  ['another name', 'mv disk.raw a.img; tar --format=gnu -czf file a.img', named('a.img'), /--format=oldgnu/],
  ['./disk.raw', 'tar --format=gnu -czf file ./disk.raw', named('./disk.raw'), /from its own folder/],
  [
    'a folder before it',
    'mkdir tmp; mv disk.raw tmp; tar --format=gnu -czf file tmp/disk.raw',
    named('tmp/disk.raw'),
    /Pack/,
  ],
  ['a folder', 'mkdir d; mv disk.raw d; tar --format=gnu -C d -czf file .', notValid, /2 members.*"\.\/"/],
  ['two members', 'cp disk.raw b; tar --format=gnu -czf file disk.raw b', notValid, /"disk.raw", "b"/],
  ['a link', 'mv disk.raw a; ln -s a disk.raw; tar --format=gnu -czf file disk.raw', notValid, /symbolic link/],
  ['an empty folder', 'mkdir d; tar --format=gnu -czf file d', notValid, /no files/],
  ['a tar archive without gzip', 'tar --format=gnu -cf file disk.raw', notValid, /not packed with gzip/],
  ['a disk in gzip', 'gzip -c disk.raw > file', notValid, /not a tar archive/],
  ['a tarball cut short', `${tarTo('-S')} | gzip | head -c 150000 > file`, notValid, /cut short/],
  ['an archive cut short', `${tarTo('-S')} | head -c 150000 | gzip > file`, notValid, /cut short/],
  ['rubbish behind it', `${oldgnu()}; echo rubbish >> file`, notValid, /8 bytes behind its gzip data/],
  ['an archive behind the archive', `(${tarTo('')}; ${tarTo('')}) | gzip > file`, notValid, /behind its end mark/],
  ['an empty disk', ': > disk.raw; tar --format=gnu -czf file disk.raw', notValid, /0 bytes/],
];

for (const [what, commands, sentence, says] of bad) {
  test(`refuses ${what} in the words that clients know`, { skip }, async () => {
    const { error } = await bench.import(await make(commands, 3_101_184, small.slice(0, 2)), { form });
    assert.equal(error?.reason, 'INVALID_IMAGE_TAR');
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.ok(error.message.startsWith(sentence), error.message);
    assert.match(error.message, says);
  });
}

const withoutPython = spawnSync('python3', ['--version']).error === undefined ? false : 'needs python3';

/** Python's tarfile, which many build scripts pack with. */
const pythonTar = (packed: string) =>
  `python3 -c 'import tarfile; t = tarfile.open("file", "w:gz"${packed}); t.add("disk.raw"); t.close()'`;

test("imports what Python's tarfile packs in its GNU format, and refuses its usual one", {
  skip: skip || withoutPython,
}, async () => {
  const parts = small.slice(0, 2);
  const usual = await bench.import(await make(pythonTar(''), 3_101_184, parts), { form });
  assert.match(usual.error?.message ?? '', /^The tar archive format is not supported\. /);
  const { device, error } = await bench.import(await make(pythonTar(', format=tarfile.GNU_FORMAT'), 3_101_184, parts), {
    form,
  });
  if (device === undefined) assert.fail(error.message);
  await using image = device;
  await assertHolds(image, parts);
});

test('refuses a tarball that has another SHA-1', { skip }, async () => {
  const file = await make(oldgnu(), 3_101_184, small.slice(0, 2));
  const sha1 = '0'.repeat(40);
  const { error } = await bench.import(file, { form, sha1 });
  const actual = createHash('sha1').update(file).digest('hex');
  assert.equal(error?.reason, 'SOURCE_DIGEST_WRONG');
  assert.match(error.message, new RegExp(`has the SHA-1 ${actual}; expected was ${sha1}\\.$`));
});
