import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { buildQcow2 } from '../../../test/fixtures/qcow2-builder.ts';
import { noise, temporaryFolder } from '../../../test/fixtures/qemu.ts';
import {
  base256,
  buildTar,
  endOfTar,
  gnu,
  oldSparseEntry,
  paxEntry,
  rangeFields,
  type TarEntry,
  tarEntry,
  ustar,
  v7,
} from '../../../test/fixtures/tar-builder.ts';
import { readUnwrapped, refusalOfFile } from '../../../test/fixtures/unwrapped.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { unwrap } from '../unwrap.ts';

const form = 'raw-tar-gz';
const disk = noise(4096, 1);
const good: TarEntry = { magic: gnu, data: disk };
const tarball = (...entries: TarEntry[]) => gzipSync(buildTar(...entries));
const gib = 2 ** 30;

/** The GNU header that says the next member's name. */
const longName = (name: string): TarEntry => ({ name: '././@LongLink', kind: 'L', magic: gnu, data: `${name}\0` });

test('reads the disk in a tarball', async () => {
  const file = tarball(good);
  const { bytes, format, layers, sourceSha256 } = await readUnwrapped(file, { form });
  assert.ok(bytes.equals(disk));
  assert.equal(format, 'raw');
  assert.deepEqual(
    layers.map(({ layer, bytes: length }) => [layer, length]),
    [
      ['gzip', 4096 + 512 + 1024],
      ['tar', 4096],
    ],
  );
  assert.equal(sourceSha256, createHash('sha256').update(file).digest('hex'));
});

test('takes the bytes of the disk as they are, whatever they look like', async () => {
  const looks = [
    buildQcow2({ header: { backing_file_offset: 512, backing_file_size: 11 } }),
    gzipSync(disk),
    buildTar(good),
    Buffer.from('<html><body>Not found</body></html>'),
    Buffer.from('{"error": "x"}'),
    Buffer.from('KDMV'),
    Buffer.from('x'),
  ];
  for (const look of looks) {
    const { bytes, format } = await readUnwrapped(tarball({ magic: gnu, data: look }), { form });
    assert.equal(format, 'raw');
    assert.ok(bytes.subarray(0, look.length).equals(look));
    assert.ok(bytes.length - look.length < 512 && bytes.subarray(look.length).every((byte) => byte === 0));
  }
});

test('fills the holes of a sparse member, whose map goes on in blocks behind the header', async () => {
  const ranges = Array.from({ length: 60 }, (_, index) => [index * 8192 + 4096, 512] as const);
  const data = noise(60 * 512, 2);
  const head = oldSparseEntry(ranges.slice(0, 4), 60 * 8192 + 4609, Buffer.alloc(0), true);
  const blocks = [4, 25, 46].map((first) => {
    const block = Buffer.alloc(512);
    block.set(rangeFields(ranges.slice(first, first + 21)));
    block[504] = first + 21 < ranges.length ? 1 : 0;
    return block;
  });
  const file = gzipSync(Buffer.concat([tarEntry({ ...head, size: data.length }), ...blocks, data, endOfTar]));
  const { bytes } = await readUnwrapped(file, { form });
  const expected = Buffer.alloc(60 * 8192 + 5120);
  for (const [index, [offset]] of ranges.entries()) expected.set(data.subarray(index * 512, index * 512 + 512), offset);
  assert.ok(bytes.equals(expected));
});

test('a tarball of a hundred bytes may be a disk of 10 GiB, and costs nothing', async () => {
  await using folder = await temporaryFolder();
  const workPath = folder.path('work');
  const file = tarball(oldSparseEntry([], base256(10n * BigInt(gib)), Buffer.alloc(0)));
  assert.ok(file.length < 200);
  await using unwrapped = await unwrap(new MemorySource(file), { workPath, form });
  assert.equal(unwrapped.source.sizeBytes, 10 * gib);
  assert.deepEqual([...(unwrapped.source.dataRanges?.(0, 10 * gib) ?? [])], []);
  assert.ok((await stat(`${workPath}-1`)).size < 4096);
});

test('takes a tarball of several gzip members, of any record length, without an end mark', async () => {
  const archive = buildTar(good);
  const files = [
    Buffer.concat([gzipSync(archive.subarray(0, 700)), gzipSync(archive.subarray(700))]),
    gzipSync(Buffer.concat([archive, Buffer.alloc(3_000_000)])),
    gzipSync(tarEntry(good)),
    tarball(longName('disk.raw'), { ...good, name: 'x' }),
  ];
  for (const file of files) assert.ok((await readUnwrapped(file, { form })).bytes.equals(disk));
});

const format = /^The tar archive format is not supported\. Supported formats are: GNU and OLDGNU\. This one is /;
const named = (name: string) =>
  `The file inside the tar archive was named ''${name}''. It should be named ''disk.raw''.`;
const anyNoise = noise(100_000, 3);

const cases: readonly (readonly [what: string, file: Uint8Array, check: string, reason?: RegExp | string])[] = [
  ['an empty file', Buffer.alloc(0), 'layers.not-gzip'],
  ['a raw disk', anyNoise, 'layers.not-gzip'],
  ['a qcow2', buildQcow2(), 'layers.not-gzip'],
  ['a tar archive without gzip', buildTar(good), 'layers.not-gzip'],
  ['gzip of a raw disk', gzipSync(anyNoise), 'layers.not-tar'],
  ['gzip of zeros', gzipSync(Buffer.alloc(10_240)), 'layers.not-tar'],
  ['gzip of nothing', gzipSync(Buffer.alloc(0)), 'layers.not-tar'],
  ['gzip of a qcow2', gzipSync(buildQcow2()), 'layers.not-tar'],
  ['gzip of a web page', gzipSync('<html></html>'), 'layers.not-tar'],
  ['a tarball in gzip once more', gzipSync(tarball(good)), 'layers.not-tar'],
  ['a tarball cut short', gzipSync(buildTar({ ...good, data: anyNoise })).subarray(0, -5000), 'gzip.truncated'],
  ['a tarball with a byte changed', changed(tarball(good)), 'gzip.damaged'],
  [
    'a tarball with bytes behind it',
    Buffer.concat([tarball(good), Buffer.from('x')]),
    'gzip.trailing-bytes',
    /goes on for 1 bytes/,
  ],
  ['a tarball with zeros behind it', Buffer.concat([tarball(good), Buffer.alloc(512)]), 'gzip.trailing-bytes'],
  ['bytes behind the end mark', gzipSync(Buffer.concat([buildTar(good), disk])), 'tar.trailing-bytes', /byte 4608\b/],
  ['an archive behind the end mark', gzipSync(Buffer.concat([buildTar(good), buildTar(good)])), 'tar.trailing-bytes'],
  ['an archive cut within its member', gzipSync(tarEntry(good).subarray(0, 2000)), 'tar.truncated'],
  ['a wrong check sum', tarball({ ...good, sum: '000001\0 ' }), 'tar.checksum'],
  ['a ustar archive', tarball({ ...good, magic: ustar }), 'tar.format', format],
  ['a v7 archive', tarball({ ...good, magic: v7 }), 'tar.format', /This one is v7\.$/],
  ['a PAX archive', tarball(paxEntry([['mtime', '1.5']]), { ...good, magic: ustar }), 'tar.format', /POSIX \(PAX\)\.$/],
  ['a global PAX header', tarball(paxEntry([['comment', 'x']], 'g'), good), 'tar.format', format],
  ['PAX records in a GNU archive', tarball({ ...paxEntry([['a', 'b']]), magic: gnu }, good), 'tar.format', format],
  [
    'a ustar member behind a GNU header',
    tarball(longName('disk.raw'), { ...good, magic: ustar }),
    'tar.format',
    format,
  ],
  ['another name', tarball({ ...good, name: 'disk.img' }), 'tar.disk-name', named('disk.img')],
  ['the name in capitals', tarball({ ...good, name: 'DISK.RAW' }), 'tar.disk-name', named('DISK.RAW')],
  ['./ before the name', tarball({ ...good, name: './disk.raw' }), 'tar.disk-name', named('./disk.raw')],
  ['a folder before the name', tarball({ ...good, name: 'tmp/disk.raw' }), 'tar.disk-name', named('tmp/disk.raw')],
  ['an absolute name', tarball({ ...good, name: '/disk.raw' }), 'tar.disk-name', named('/disk.raw')],
  ['a name that leads upwards', tarball({ ...good, name: '../disk.raw' }), 'tar.disk-name', named('../disk.raw')],
  ['a name of no use', tarball({ ...good, name: '\x1b[31mé' }), 'tar.disk-name', named('?[31m?')],
  ['a long name', tarball(longName('a'.repeat(300)), good), 'tar.disk-name', named('a'.repeat(200))],
  [
    'another name of a sparse member',
    tarball({ ...oldSparseEntry([], 512, Buffer.alloc(0)), name: 'x' }),
    'tar.disk-name',
  ],
  ['two members', tarball(good, { ...good, name: 'other' }), 'tar.several-members', /2 members.*"disk.raw", "other"/],
  ['the disk twice', tarball(good, good), 'tar.duplicate-name'],
  ['a folder before the disk', tarball({ name: './', kind: '5', magic: gnu }, good), 'tar.several-members', /"\.\/"/],
  ['a label before the disk', tarball({ name: 'x', kind: 'V', magic: gnu }, good), 'tar.several-members'],
  ['a folder alone', tarball({ name: 'disk.raw', kind: '5', magic: gnu }), 'tar.no-disk'],
  ['a symbolic link', tarball({ kind: '2', linkName: '/etc/passwd', magic: gnu }), 'tar.member-kind'],
  ['a hard link', tarball({ kind: '1', linkName: 'disk.raw', magic: gnu }), 'tar.member-kind'],
  ['an empty disk', tarball({ magic: gnu }), 'raw.size', /0 bytes/],
  ['a disk of 4 TiB and a sector', tarball(oldSparseEntry([], base256(2n ** 42n + 512n), Buffer.alloc(0))), 'raw.size'],
  ['a disk of 64 TiB', tarball(oldSparseEntry([], base256(2n ** 46n), Buffer.alloc(0))), 'tar.too-big'],
  ['a map that is none', tarball(oldSparseEntry([[4096, 2048]], 512, disk)), 'tar.sparse-map'],
];

function changed(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  const at = copy.length - 7;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

for (const [what, file, check, reason] of cases) {
  test(`refuses ${what}`, async () => {
    const refusal = await refusalOfFile(file, { form });
    assert.equal(refusal.check, check, refusal.message);
    if (typeof reason === 'string') assert.equal(refusal.reason, reason);
    else if (reason !== undefined) assert.match(refusal.reason, reason);
  });
}

test('refuses what is no tarball before it unpacks it', async () => {
  const zeros = gzipSync(Buffer.alloc(50_000_000));
  const limits = { maxBytes: 1_000_000 };
  assert.equal((await refusalOfFile(zeros, { form, limits })).check, 'layers.not-tar');
  const pax = tarball(paxEntry([['size', '9']]), { ...good, data: Buffer.alloc(5_000_000) });
  assert.equal((await refusalOfFile(pax, { form, limits })).check, 'tar.format');
  const bomb = tarball({ ...good, data: Buffer.alloc(5_000_000) });
  assert.equal((await refusalOfFile(bomb, { form, limits })).check, 'gzip.too-big');
});

test('uses what was unpacked for a tarball again, and for nothing else', async () => {
  await using folder = await temporaryFolder();
  const workPath = folder.path('work');
  const source = new MemorySource(tarball({ ...good, data: buildQcow2() }));
  const run = async (of: 'any' | typeof form) => {
    const before = source.reads.length;
    const { format: found } = await readUnwrapped(source, { workPath, sourceKey: 'one', form: of });
    return [found, source.reads.length > before];
  };
  assert.deepEqual(await run('any'), ['qcow2', true]);
  assert.deepEqual(await run(form), ['raw', true]);
  assert.deepEqual(await run(form), ['raw', false]);
  assert.deepEqual(await run('any'), ['qcow2', true]);
});

test('a file that was kept is held against the rules again', async () => {
  await using folder = await temporaryFolder();
  const options = { workPath: folder.path('work'), sourceKey: 'one', form } as const;
  const source = new MemorySource(Buffer.concat([tarball(good), Buffer.from('x')]));
  for (let run = 0; run < 2; run++) {
    await assert.rejects(
      unwrap(source, options),
      (error) => error instanceof ImageRefused && error.check === 'gzip.trailing-bytes',
    );
  }
});
