import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noise } from '../../../test/fixtures/qemu.ts';
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
  v7,
} from '../../../test/fixtures/tar-builder.ts';
import { readUnwrapped, refusalOfFile } from '../../../test/fixtures/unwrapped.ts';

const disk = noise(4096, 1);
const good: TarEntry = { data: disk };
const cases: readonly (readonly [what: string, archive: Buffer, check: string, message?: RegExp])[] = [
  ['a wrong check sum', buildTar({ ...good, sum: '000001\0 ' }), 'tar.checksum', /byte 0/],
  ['a wrong check sum further in', buildTar(good, { name: 'b', sum: '000001\0 ' }), 'tar.checksum', /byte 4608/],
  ['an archive cut within its header', tarEntry(good).subarray(0, 300), 'tar.truncated'],
  [
    'an archive cut within its data',
    tarEntry(good).subarray(0, 4000),
    'tar.truncated',
    /ends at byte 4000.*needs 4608/,
  ],
  ['no members', buildTar({ name: './', kind: '5' }), 'tar.no-disk'],
  ['two members', buildTar(good, { name: 'other.raw', data: disk }), 'tar.several-members', /"disk.raw", "other.raw"/],
  ['one name twice', buildTar(good, good), 'tar.duplicate-name', /"disk.raw"/],
  ['one name twice, once with ./', buildTar(good, { ...good, name: './disk.raw' }), 'tar.duplicate-name'],
  ['a hard link', buildTar({ kind: '1', linkName: '/etc/passwd' }), 'tar.member-kind', /hard link/],
  ['a symbolic link', buildTar({ kind: '2', linkName: '/etc/passwd' }), 'tar.member-kind', /symbolic link/],
  ['a link and then the file', buildTar({ kind: '2', linkName: '/tmp/x' }, good), 'tar.member-kind'],
  ['a character device', buildTar({ kind: '3' }), 'tar.member-kind', /character device/],
  ['a block device', buildTar({ kind: '4' }), 'tar.member-kind', /block device/],
  ['nothing but a folder', buildTar({ kind: '5' }), 'tar.no-disk'],
  ['nothing but a folder as v7 archives have it', buildTar({ name: 'images/', magic: v7 }), 'tar.no-disk'],
  ['a folder that leads upwards', buildTar({ name: '../', kind: '5' }, good), 'tar.member-name'],
  ['an absolute folder', buildTar({ name: '/etc/', kind: '5' }, good), 'tar.member-name'],
  ['a folder with data', buildTar({ name: 'a/', kind: '5', data: tarEntry(good) }, good), 'tar.size-conflict', /"a"/],
  ['a label with data', buildTar({ name: 'a', kind: 'V', magic: gnu, data: 'a' }, good), 'tar.size-conflict'],
  ['a list of a folder', buildTar({ name: 'a/', kind: 'D', magic: gnu }, good), 'tar.member-kind', /list of a folder/],
  ['a pipe', buildTar({ kind: '6' }), 'tar.member-kind', /pipe/],
  ['the rest of a file', buildTar({ ...good, kind: 'M' }), 'tar.member-kind', /another archive/],
  ['an unknown kind', buildTar({ ...good, kind: 'Q' }), 'tar.member-kind', /unknown kind "Q"/],
  ['a path with a way out in it', buildTar({ ...good, name: 'images/../../disk.raw' }), 'tar.member-name'],
  ['a path in two parts with a way out', buildTar({ ...good, prefix: '..' }), 'tar.member-name', /"..\/disk.raw"/],
  ['a path with nothing between two slashes', buildTar({ ...good, name: 'images//disk.raw' }), 'tar.member-name'],
  ['a path with a dot in it', buildTar({ ...good, name: 'images/./disk.raw' }), 'tar.member-name'],
  ['a name of 4097 letters', buildTar(paxEntry([['path', 'a'.repeat(4097)]]), good), 'tar.member-name'],
  ['two members in folders', buildTar({ ...good, name: 'a/disk' }, { ...good, name: 'b/disk' }), 'tar.several-members'],
  ['an absolute path', buildTar({ ...good, name: '/etc/cron.d/disk.raw' }), 'tar.member-name'],
  ['a way out', buildTar({ ...good, name: '../../disk.raw' }), 'tar.member-name'],
  ['a way out behind ./', buildTar({ ...good, name: './../disk.raw' }), 'tar.member-name'],
  ['a way out as Windows has it', buildTar({ ...good, name: '..\\disk.raw' }), 'tar.member-name'],
  ['a way out in a PAX record', buildTar(paxEntry([['path', '../disk.raw']]), good), 'tar.member-name'],
  ['a way out in a long name', buildTar({ kind: 'L', magic: gnu, data: '../disk.raw\0' }, good), 'tar.member-name'],
  [
    'a way out in a sparse name',
    buildTar(
      paxEntry([
        ['GNU.sparse.name', '/disk.raw'],
        ['GNU.sparse.size', 4096],
        ['GNU.sparse.numblocks', 1],
        ['GNU.sparse.map', '0,4096'],
      ]),
      good,
    ),
    'tar.member-name',
  ],
  ['a way out behind a good member', buildTar(good, { name: '../../root/.ssh/authorized_keys' }), 'tar.member-name'],
  ['no name', buildTar({ ...good, name: '', magic: gnu }), 'tar.member-name'],
  ['a negative size', buildTar({ size: base256(-1n) }), 'tar.number'],
  ['a size of 2^63 - 1', buildTar({ size: base256(2n ** 63n - 1n) }), 'tar.number'],
  ['a size of 2^53', buildTar({ size: base256(2n ** 53n) }), 'tar.number'],
  ['a size of 2^53 - 1', buildTar({ size: base256(2n ** 53n - 1n) }), 'tar.truncated'],
  ['a size that is no number', buildTar({ size: '12x45678901\0' }), 'tar.number', /size in the header at byte 0/],
  ['a size beyond the file', buildTar({ ...good, size: '777777777777' }), 'tar.truncated'],
  ['a PAX size beyond the file', buildTar(paxEntry([['size', 2 ** 50]]), good), 'tar.truncated'],
  ['a PAX size that is another', buildTar(paxEntry([['size', 512]]), good), 'tar.size-conflict', /4096.*512/],
  ['a PAX size that is no number', buildTar(paxEntry([['size', '-1']]), good), 'tar.number'],
  ['a PAX size of 2^64', buildTar(paxEntry([['size', '18446744073709551616']]), good), 'tar.number'],
  ['a PAX header of 1 GiB', buildTar({ ...paxEntry([]), size: 2 ** 30 }), 'tar.header-size'],
  ['a PAX header of a byte more than is read', buildTar({ ...paxEntry([]), size: 2 ** 20 + 1 }), 'tar.header-size'],
  ['a long name of 1 GiB', buildTar({ kind: 'L', magic: gnu, size: 2 ** 30 }), 'tar.header-size'],
  [
    'a PAX record with a wrong length',
    buildTar({ ...paxEntry([]), data: '99999999999 path=x\n' }, good),
    'tar.pax-record',
  ],
  ['a PAX record that is too long', buildTar({ ...paxEntry([]), data: '20 path=x\n' }, good), 'tar.pax-record'],
  ['a PAX record without a line end', buildTar({ ...paxEntry([]), data: '10 path=xy' }, good), 'tar.pax-record'],
  ['a PAX record without a value', buildTar({ ...paxEntry([]), data: '8 path\n\n' }, good), 'tar.pax-record'],
  ['a PAX record of 0 bytes', buildTar({ ...paxEntry([]), data: '0 \n' }, good), 'tar.pax-record'],
  [
    'two PAX headers for one member',
    buildTar(paxEntry([['a', 'b']]), paxEntry([['size', '4096']]), good),
    'tar.pax-record',
  ],
  ['one path for all', buildTar(paxEntry([['path', 'x']], 'g'), good), 'tar.global-header'],
  ['one size for all', buildTar(paxEntry([['size', '512']], 'g'), good), 'tar.global-header'],
  ['too many headers', buildTar(...Array.from({ length: 1001 }, (_, index) => ({ name: `${index}` }))), 'tar.headers'],
  ['too many headers of no member', buildTar(...Array.from({ length: 1001 }, () => paxEntry([]))), 'tar.headers'],
  [
    'a tar that is partitioned',
    buildTar({ ...good, poke: { 446: partition(), 510: Buffer.from('55aa', 'hex') } }),
    'format.ambiguous',
  ],
];

/** The first entry of a master boot record: bootable, Linux, with sectors. */
function partition(): Buffer {
  return Buffer.from('80000200830000000008000000380000', 'hex');
}

const half = disk.subarray(0, 2048);
const lines = (...numbers: (number | string)[]) => Buffer.from(numbers.map((number) => `${number}\n`).join(''));
const inBlock = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(512 - (bytes.length % 512))]);
const pax10 = (map: Buffer, data: Uint8Array, realSize: number | string = 8192, major = '1', minor = '0') =>
  buildTar(
    paxEntry([
      ['GNU.sparse.major', major],
      ['GNU.sparse.minor', minor],
      ['GNU.sparse.name', 'disk.raw'],
      ['GNU.sparse.realsize', realSize],
    ]),
    { name: 'x', data: Buffer.concat([map, data]) },
  );
const pax01 = (map: string, count = 1, size: number | string = 8192) =>
  buildTar(
    paxEntry([
      ['GNU.sparse.size', size],
      ['GNU.sparse.numblocks', count],
      ['GNU.sparse.map', map],
    ]),
    { data: half },
  );
const emptyBlock = Buffer.alloc(512);
emptyBlock[504] = 1;

const sparse: readonly (readonly [what: string, archive: Buffer, check: string, message?: RegExp])[] = [
  [
    'ranges that overlap',
    buildTar(
      oldSparseEntry(
        [
          [0, 2048],
          [1024, 2048],
        ],
        8192,
        disk,
      ),
    ),
    'tar.sparse-map',
    /range at 1024/,
  ],
  [
    'ranges out of order',
    buildTar(
      oldSparseEntry(
        [
          [4096, 2048],
          [0, 2048],
        ],
        8192,
        disk,
      ),
    ),
    'tar.sparse-map',
  ],
  ['a range behind the end', buildTar(oldSparseEntry([[8192, 2048]], 8192, half)), 'tar.sparse-map'],
  ['more data than is stored', buildTar(oldSparseEntry([[0, 4096]], 8192, half)), 'tar.sparse-map', /2048 are stored/],
  ['less data than is stored', buildTar(oldSparseEntry([[0, 2048]], 8192, disk)), 'tar.sparse-map'],
  [
    'a range of odd length in the middle',
    buildTar(
      oldSparseEntry(
        [
          [0, 2000],
          [4096, 48],
        ],
        8192,
        half,
      ),
    ),
    'tar.sparse-map',
    /blocks/,
  ],
  ['a negative offset', buildTar(oldSparseEntry([[base256(-512n), 2048]], 8192, half)), 'tar.number'],
  ['an offset of 2^63 - 1', buildTar(oldSparseEntry([[base256(2n ** 63n - 1n), 2048]], 8192, half)), 'tar.number'],
  ['a length of 8 EiB', buildTar(oldSparseEntry([[0, 2048]], base256(2n ** 63n - 512n), half)), 'tar.number'],
  ['a length of 64 TiB', buildTar(oldSparseEntry([[0, 2048]], base256(2n ** 46n), half)), 'tar.too-big'],
  ['blocks of ranges that are not there', tarEntry(oldSparseEntry([], 8192, Buffer.alloc(0), true)), 'tar.truncated'],
  [
    'empty blocks of ranges without end',
    Buffer.concat([
      tarEntry(oldSparseEntry([], 8192, Buffer.alloc(0), true)),
      ...Array.from({ length: 1000 }, () => emptyBlock),
    ]),
    'tar.sparse-map',
    /empty/,
  ],
  ['a map in PAX 1.0 of 10^11 ranges', pax10(inBlock(lines('99999999999', 0, 512)), half), 'tar.sparse-map'],
  ['a map in PAX 1.0 of letters', pax10(inBlock(lines('one')), half), 'tar.sparse-map'],
  ['a map in PAX 1.0 without line ends', pax10(Buffer.alloc(1024, '1'), half), 'tar.sparse-map'],
  [
    'a map in PAX 1.0 that its member is too short for',
    pax10(Buffer.from('1\n0\n2048\n'), Buffer.alloc(0)),
    'tar.sparse-map',
  ],
  [
    'an unknown version of maps',
    pax10(inBlock(lines(1, 0, 2048)), half, 8192, '2'),
    'tar.sparse-map',
    /unknown version/,
  ],
  [
    'a map without the length of its member',
    buildTar(
      paxEntry([
        ['GNU.sparse.map', '0,2048'],
        ['GNU.sparse.numblocks', 1],
      ]),
      { data: half },
    ),
    'tar.sparse-map',
  ],
  ['a map in PAX 0.1 with an odd count of numbers', pax01('0,2048,4096'), 'tar.sparse-map'],
  ['a map in PAX 0.1 with another count than it says', pax01('0,2048', 2), 'tar.sparse-map'],
  ['a map in PAX 0.1 of letters', pax01('0,x'), 'tar.sparse-map'],
  ['a map in PAX 0.1 with a number below 0', pax01('-1,2048'), 'tar.sparse-map'],
  [
    'a map in PAX 0.0 whose numbers take no turns',
    buildTar(
      paxEntry([
        ['GNU.sparse.size', 8192],
        ['GNU.sparse.numblocks', 1],
        ['GNU.sparse.offset', 0],
        ['GNU.sparse.offset', 0],
      ]),
      { data: half },
    ),
    'tar.sparse-map',
  ],
];

for (const [what, archive, check, message] of [...cases, ...sparse]) {
  test(`refuses ${what}`, async () => {
    const refusal = await refusalOfFile(archive);
    assert.equal(refusal.check, check, refusal.message);
    if (message !== undefined) assert.match(refusal.message, message);
  });
}

test('makes a name safe to print where it says what the disk is in', async () => {
  const archive = buildTar({ name: '\x1b[31mdisk', data: '<html><body>Not found</body></html>' });
  const refusal = await refusalOfFile(archive);
  assert.equal(refusal.check, 'raw.not-a-disk');
  assert.match(refusal.message, /^Inside tar \(\?\[31mdisk\): /);
});

test('refuses a VHD set by the name that it has in the archive', async () => {
  const set = Buffer.alloc(1024, 'set');
  const { check, message } = await refusalOfFile(buildTar({ name: 'images/shared.vhds', data: set }));
  assert.equal(check, 'format.unsupported');
  assert.match(message, /images\/shared\.vhds, which is what a VHD set is called/);
});

test('refuses more text in all headers together than is read', async () => {
  const records = Array.from({ length: 20 }, () => paxEntry([['comment', 'x'.repeat(60_000)]], 'g'));
  assert.equal((await refusalOfFile(buildTar(...records, good))).check, 'tar.header-size');
  assert.equal((await readUnwrapped(buildTar(...records.slice(10), good))).bytes.length, 4096);
});

test('refuses empty ranges without end', async () => {
  const block = Buffer.alloc(512);
  block.set(rangeFields(Array.from({ length: 21 }, () => [0, 0] as const)));
  block[504] = 1;
  const blocks = Array.from({ length: 100 }, () => block);
  const archive = Buffer.concat([tarEntry(oldSparseEntry([], 8192, Buffer.alloc(0), true)), ...blocks]);
  const refusal = await refusalOfFile(archive, { limits: { maxSparseRanges: 1000 } });
  assert.equal(refusal.check, 'tar.sparse-map');
  assert.match(refusal.message, /more than 1000 ranges/);
});

test('refuses more ranges than fit', async () => {
  const ranges = Array.from({ length: 21 }, (_, index) => [index * 1024, 512] as const);
  const block = Buffer.alloc(512);
  block.set(rangeFields(ranges));
  const archive = Buffer.concat([
    tarEntry({ ...oldSparseEntry([], 2 ** 20, Buffer.alloc(0), true), size: 21 * 512 }),
    block,
    Buffer.alloc(21 * 512, 5),
    endOfTar,
  ]);
  assert.equal((await refusalOfFile(archive, { limits: { maxSparseRanges: 20 } })).check, 'tar.sparse-map');
  assert.equal((await readUnwrapped(archive)).bytes.length, 2 ** 20);
});
