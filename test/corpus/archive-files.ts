import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { noise } from '../fixtures/qemu.ts';
import {
  base256,
  buildTar,
  endOfTar,
  gnu,
  oldSparseEntry,
  paxEntry,
  type TarEntry,
  tarEntry,
} from '../fixtures/tar-builder.ts';
import { buildVmdk, capacity, descriptorText, type HeaderFields } from '../fixtures/vmdk-builder.ts';
import { type CorpusRow, type CorpusTable, GiB, KiB, MiB, TiB } from './corpus-table.ts';

const made = (what: string, entries: readonly TarEntry[], outcome: string): CorpusRow => [
  what,
  () => buildTar(...entries),
  outcome,
];
const disk: TarEntry = { data: noise(8 * KiB, 1) };
const named = (name: string): TarEntry => ({ ...disk, name });
const sparseDisk = (records: Parameters<typeof paxEntry>[0], data: string | Uint8Array = ''): TarEntry[] => [
  paxEntry([['GNU.sparse.major', 1], ['GNU.sparse.minor', 0], ...records]),
  { data },
];
/** The map of a sparse member of version 1.0: how many ranges, and their numbers. */
const mapOf = (...numbers: number[]): Buffer => {
  const lines = Buffer.from(numbers.map((number) => `${number}\n`).join(''));
  return Buffer.concat([lines, Buffer.alloc(512 - (lines.length % 512))]);
};

export const tarFiles: CorpusTable = {
  archive: [
    made('has a member with a path upwards', [named('../../etc/cron.d/disk')], 'tar.member-name'),
    made('has a member with an absolute path', [named('/etc/passwd')], 'tar.member-name'),
    made('has a member with a path of Windows', [named('..\\disk.raw')], 'tar.member-name'),
    made('has its only member in a folder', [named('folder/disk.raw')], 'accepted'),
    made('has a member with a path upwards in its middle', [named('folder/../../disk.raw')], 'tar.member-name'),
    made('has a name of 4097 letters', [paxEntry([['path', 'a'.repeat(4097)]]), disk], 'tar.member-name'),
    made('has a path by a PAX record', [paxEntry([['path', '../disk.raw']]), disk], 'tar.member-name'),
    made(
      'has a path by a long name',
      [{ name: '././@LongLink', kind: 'L', magic: gnu, data: '/etc/passwd\0' }, disk],
      'tar.member-name',
    ),
    made('has a symbolic link', [{ kind: '2', linkName: '/etc/passwd' }], 'tar.member-kind'),
    made('has a hard link', [disk, { name: 'b', kind: '1', linkName: 'disk.raw' }], 'tar.member-kind'),
    made('has a device', [{ kind: '4' }], 'tar.member-kind'),
    made('has a pipe', [{ kind: '6' }], 'tar.member-kind'),
    made('has a folder beside its disk', [{ name: 'folder/', kind: '5' }, disk], 'accepted'),
    made('has a folder with a path upwards', [{ name: '../folder/', kind: '5' }, disk], 'tar.member-name'),
    // A program that knows that folders have no data finds this member, and others do not.
    made(
      'has a member in the data of a folder',
      [{ name: 'folder/', kind: '5', data: tarEntry(named('other.raw')) }, disk],
      'tar.size-conflict',
    ),
    made('has a name twice', [disk, disk], 'tar.duplicate-name'),
    made('has two disks', [disk, named('other.raw')], 'tar.several-members'),
    made('has no files', [{ name: './', kind: '5' }], 'tar.no-disk'),
    made(
      'has a size in its header and another in a PAX record',
      [paxEntry([['size', 512]]), disk],
      'tar.size-conflict',
    ),
    made('gives all members one path', [paxEntry([['path', 'disk.raw']], 'g'), disk], 'tar.global-header'),
    made('has a PAX record of a wrong length', [{ kind: 'x', data: '99 path=a\n' }, disk], 'tar.pax-record'),
    made('has a descriptor of a file that is not in it', flatExtent('/etc/passwd'), 'tar.vmdk-extent'),
    made('has a descriptor of a file that is in it, past its end', flatExtent('disk.raw', 17), 'tar.vmdk-extent'),
    made(
      'has a descriptor that names a file twice',
      flatExtent('disk.raw', 8, 'RW 8 FLAT "disk.raw" 8'),
      'tar.vmdk-extent',
    ),
    made(
      'has a descriptor, and files that it does not name',
      [...flatExtent('disk.raw'), named('other')],
      'tar.vmdk-extent',
    ),
    made('has a descriptor of a file that is in it', flatExtent('disk.raw'), 'accepted'),
    made('has a descriptor in a folder', inFolder(flatExtent('folder/disk.raw')), 'tar.member-name'),
    made('has a disk in three sparse extents', splitDisk(), 'accepted'),
    made('has a disk in three sparse extents, of which one is missing', splitDisk().toSpliced(2, 1), 'tar.vmdk-extent'),
    made('has a disk in sparse extents, and a file more', [...splitDisk(), named('other')], 'tar.vmdk-extent'),
    made('has a sparse extent that is larger than it says', splitDisk({ sectors: 504 }), 'vmdk.capacity'),
    made('has a sparse extent of 2^63 sectors', splitDisk({ sectors: 2n ** 63n }), 'tar.vmdk-extent'),
    made('has a sparse extent that begins within its file', splitDisk({ more: ' 8' }), 'tar.vmdk-extent'),
    made('has a sparse extent with a path', splitDisk({ name: '/etc/passwd' }), 'tar.vmdk-extent'),
    made('has a sparse extent that is no VMDK', splitDisk({ file: Buffer.alloc(8192) }), 'vmdk.extent'),
    made(
      'has a sparse extent with a descriptor that names another file',
      splitDisk({ file: buildVmdk({ descriptor: descriptorText({ extent: 'RW 512 FLAT "/etc/passwd" 0' }) }) }),
      'vmdk.extent-descriptor',
    ),
    made(
      'has a sparse extent with a descriptor out of reach',
      splitDisk({ file: part({ descriptorOffset: 2 }) }),
      'vmdk.descriptor-place',
    ),
    made(
      'has a sparse extent whose directory is its header',
      splitDisk({ file: part({ descriptorOffset: 0, descriptorSize: 0, gdOffset: 0 }) }),
      'vmdk.grain-directory',
    ),
    made(
      'has a sparse extent that is compressed',
      splitDisk({ file: buildVmdk({ compressed: true, descriptor: '' }) }),
      'vmdk.create-type',
    ),
    made('has a disk in sparse extents on top of another', splitDisk({ parentCid: '12345678' }), 'vmdk.parent'),
  ],
  size: [
    made('has a member of 2^63 bytes', [{ ...disk, size: base256(2n ** 63n - 1n) }], 'tar.number'),
    made('has a member of -1 bytes', [{ ...disk, size: base256(-1n) }], 'tar.number'),
    made('has a member of 8 GiB - 1 that is not there', [{ ...disk, size: 8 * GiB - 1 }], 'tar.truncated'),
    made('has a PAX size of 2^64', [paxEntry([['size', `${2n ** 64n}`]]), disk], 'tar.number'),
    made('has a sparse member of 8 TiB', sparseDisk([['GNU.sparse.realsize', 8 * TiB]], mapOf(0)), 'tar.too-big'),
  ],
  table: [
    made('has a header of 1 MiB of records', [longHeader(MiB), disk], 'accepted'),
    made('has a header of a byte more', [longHeader(MiB + 1), disk], 'tar.header-size'),
    ['has a header of 8 GiB', () => tarEntry({ kind: 'x', size: 8 * GiB - 1 }), 'tar.header-size'],
    ['has 1001 headers', () => Buffer.concat([...headers(1001), endOfTar]), 'tar.headers'],
    [
      'has a sparse member of more ranges than a map has room for',
      () => manyRanges(65),
      'tar.sparse-map',
      { maxSparseRanges: 64 },
    ],
    ['has a sparse member of as many', () => manyRanges(64), 'accepted', { maxSparseRanges: 64 }],
    // Each is within its bounds: only all of them together are too many.
    ['has a disk in two sparse extents of a million tables each', () => manyTables(2), 'accepted'],
    ['has a disk in three sparse extents of a million tables each', () => manyTables(3), 'vmdk.grain-directory'],
    made(
      'has a sparse map of 2^53 - 1 ranges',
      sparseDisk([['GNU.sparse.realsize', 512]], mapOf(2 ** 53 - 1)),
      'tar.sparse-map',
    ),
  ],
  overlap: [
    made(
      'has a sparse map with two ranges in one place',
      sparseDisk([['GNU.sparse.realsize', 1024]], twoRanges(0, 0)),
      'tar.sparse-map',
    ),
    made(
      'has a sparse map that goes back',
      sparseDisk([['GNU.sparse.realsize', 1024]], twoRanges(512, 0)),
      'tar.sparse-map',
    ),
    made(
      'has a sparse map past its member',
      sparseDisk([['GNU.sparse.realsize', 512]], twoRanges(0, 512)),
      'tar.sparse-map',
    ),
    made(
      'has a sparse map of an offset of 2^53 - 1',
      sparseDisk([['GNU.sparse.realsize', 1024]], twoRanges(0, 2 ** 53 - 1)),
      'tar.sparse-map',
    ),
    [
      'has a sparse member whose map goes on and has nothing in it',
      () => Buffer.concat([tarEntry(oldSparseEntry([], 512, Buffer.alloc(512), true)), endOfTar]),
      'tar.sparse-map',
    ],
  ],
  bomb: [
    // A ratio would refuse it: the disk is 70 million times as large as the file, and nothing in it costs anything.
    [
      'is a sparse disk of 10 GiB without data, in less than 200 bytes',
      () => gzipSync(buildTar(oldSparseEntry([], base256(10n * 2n ** 30n), Buffer.alloc(0)))),
      'accepted',
    ],
  ],
  'two identities': [
    [
      'has the footer of a VHD behind its end',
      () => Buffer.concat([buildTar(disk), Buffer.from('conectix'.padEnd(512, '\0'))]),
      'format.ambiguous',
    ],
  ],
  damage: [
    [
      'has a second header with a wrong sum',
      () => Buffer.concat([tarEntry(disk), tarEntry({ name: 'b', sum: '000001\0 ' }), endOfTar]),
      'tar.checksum',
    ],
    ['ends within its member', () => buildTar(disk).subarray(0, 4096), 'tar.truncated'],
  ],
};

function flatExtent(name: string, sectors = 16, more = ''): TarEntry[] {
  const extent = `RW ${sectors} FLAT "${name}" 0`;
  return [{ name: 'vm.vmdk', data: descriptorText({ type: 'monolithicFlat', extent, more }) }, disk];
}

/** A disk in three parts, of which the second and what the descriptor says of it may be given. */
function splitDisk({
  name = 'disk-s002.vmdk',
  sectors = capacity,
  more = '',
  file = part(),
  parentCid = 'ffffffff',
}: {
  name?: string;
  sectors?: number | bigint;
  more?: string;
  file?: Uint8Array;
  parentCid?: string;
} = {}): TarEntry[] {
  const extent = [
    `RW ${capacity} SPARSE "disk-s001.vmdk"`,
    `RW ${sectors} SPARSE "${name}"${more}`,
    `RW ${capacity} SPARSE "disk-s003.vmdk"`,
  ].join('\n');
  return [
    { name: 'disk.vmdk', data: descriptorText({ type: 'twoGbMaxExtentSparse', extent, parentCid }) },
    { name: 'disk-s001.vmdk', data: part() },
    { name: 'disk-s002.vmdk', data: file },
    { name: 'disk-s003.vmdk', data: part() },
  ];
}

/** A sparse extent: a VMDK whose room for a descriptor is empty. */
function part(header: HeaderFields = {}): Buffer {
  return buildVmdk({ descriptor: '', header });
}

/** A disk in parts of 512 GiB without data: a directory of 4 MiB each, with no table in it. */
function manyTables(parts: number): Buffer {
  const sectors = 2 ** 30;
  const names = Array.from({ length: parts }, (_, index) => `disk-s00${index}.vmdk`);
  const extent = names.map((name) => `RW ${sectors} SPARSE "${name}"`).join('\n');
  const file = buildVmdk({
    descriptor: '',
    header: { capacity: sectors, rgdOffset: 0, gdOffset: 64 },
    fileBytes: 64 * 512 + 4 * MiB,
    grains: [],
    directory: [],
    redundantDirectory: [],
  });
  return buildTar(
    { name: 'disk.vmdk', data: descriptorText({ type: 'twoGbMaxExtentSparse', extent }) },
    ...names.map((name) => ({ name, data: file })),
  );
}

function inFolder(entries: readonly TarEntry[]): TarEntry[] {
  return entries.map((entry) => ({ ...entry, name: `folder/${entry.name ?? 'disk.raw'}` }));
}

function longHeader(bytes: number): TarEntry {
  const { data = '' } = paxEntry([['comment', 'a'.repeat(bytes - `${bytes} comment=\n`.length)]]);
  return { kind: 'x', data };
}

function headers(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => tarEntry({ name: `${index}` }));
}

function twoRanges(first: number, second: number): Buffer {
  return Buffer.concat([mapOf(2, first, 512, second, 512), Buffer.alloc(1024)]);
}

/** Every second block of a disk. */
function manyRanges(ranges: number): Buffer {
  const numbers = Array.from({ length: ranges }, (_, index) => [index * 1024, 512]).flat();
  const data = Buffer.concat([mapOf(ranges, ...numbers), Buffer.alloc(ranges * 512, 1)]);
  return buildTar(...sparseDisk([['GNU.sparse.realsize', ranges * 1024]], data));
}

const file = '<File ovf:id="f" ovf:href="disk.raw"/>';
const oneDisk = '<Disk ovf:diskId="d" ovf:fileRef="f"/>';

/** A description of a machine with these files and disks; `before` it stands what XML allows there. */
function described(files = file, disks = oneDisk, before = ''): TarEntry {
  const namespace = 'http://schemas.dmtf.org/ovf/envelope/1';
  const body = `<References>${files}</References><DiskSection>${disks}</DiskSection>`;
  return {
    name: 'vm.ovf',
    data: `${before}<Envelope xmlns="${namespace}" xmlns:ovf="${namespace}">${body}</Envelope>`,
  };
}

function manifest(...lines: string[]): TarEntry {
  return { name: 'vm.mf', data: lines.map((line) => `${line}\n`).join('') };
}

function sha256(data: Uint8Array | string = ''): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Each entity is ten of the one before: 10 to the ninth power letters in all. */
const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('');

export const ovaFiles: CorpusTable = {
  xml: [
    made(
      'has entities in entities',
      [described(file, '&e9;', `<!DOCTYPE a [<!ENTITY e0 "ha">${laughs}]>`), disk],
      'ova.xml-doctype',
    ),
    made(
      'has an entity from a file',
      [described(file, '&e;', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), disk],
      'ova.xml-doctype',
    ),
    made(
      'has a document type from elsewhere',
      [described(file, oneDisk, '<!DOCTYPE a SYSTEM "http://169.254.169.254/">'), disk],
      'ova.xml-doctype',
    ),
    made('has an entity that nobody defined', [described(file, '&e;'), disk], 'ova.xml'),
    made(
      'is in UTF-16',
      [{ name: 'vm.ovf', data: Buffer.from(`\ufeff${described().data}`, 'utf16le') }, disk],
      'ova.xml-encoding',
    ),
    made(
      'says that it is in UTF-7',
      [described(file, oneDisk, '<?xml version="1.0" encoding="UTF-7"?>'), disk],
      'ova.xml-encoding',
    ),
    made('has elements 65 deep', [described(file, `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`), disk], 'ova.xml-size'),
    made('has 20,001 elements', [described(file, '<a/>'.repeat(20_001)), disk], 'ova.xml-size'),
    made('has a description of more than 1 MiB', [described(file, oneDisk, ' '.repeat(MiB)), disk], 'ova.text-size'),
    made('is no description', [{ name: 'vm.ovf', data: '<html/>' }, disk], 'ova.description'),
    made('ends within an element', [{ name: 'vm.ovf', data: '<Envelope' }, disk], 'ova.xml'),
  ],
  archive: [
    made(
      'refers to a file of the host',
      [described('<File ovf:id="f" ovf:href="/etc/passwd"/>')],
      'ova.file-reference',
    ),
    made(
      'refers to a file elsewhere',
      [described('<File ovf:id="f" ovf:href="http://169.254.169.254/"/>')],
      'ova.file-reference',
    ),
    made('has two descriptions', [described(), { ...described(), name: 'b.ovf' }, disk], 'ova.description'),
    made('has a file that nothing refers to', [described(), disk, named('other')], 'ova.unexpected-member'),
    made(
      'has two disks',
      [
        described(`${file}<File ovf:id="g" ovf:href="b"/>`, `${oneDisk}<Disk ovf:diskId="e" ovf:fileRef="g"/>`),
        disk,
        named('b'),
      ],
      'ova.several-disks',
    ),
    made('has no disk', [described(file, ''), disk], 'ova.no-disk'),
    made('is good', [described(), disk], 'accepted'),
  ],
  'backing file': [
    made(
      'has a disk on top of another',
      [described(file, '<Disk ovf:diskId="d" ovf:fileRef="f" ovf:parentRef="e"/>'), disk],
      'ova.description',
    ),
  ],
  digest: [
    made(
      'has a manifest with another digest',
      [described(), manifest(`SHA256(disk.raw)= ${'0'.repeat(64)}`), disk],
      'ova.manifest-digest',
    ),
    made(
      'has a manifest with the right digest',
      [described(), manifest(`SHA256(disk.raw)= ${sha256(disk.data)}`), disk],
      'accepted',
    ),
    made(
      'has a manifest with two digests of a file',
      [described(), manifest(...[1, 2].map((n) => `SHA256(disk.raw)= ${`${n}`.repeat(64)}`)), disk],
      'ova.manifest',
    ),
    made(
      'has a manifest of a file that is not there',
      [described(), manifest(`SHA256(/etc/passwd)= ${'0'.repeat(64)}`), disk],
      'ova.manifest',
    ),
    made('has a manifest that is none', [described(), manifest('trust me'), disk], 'ova.manifest'),
  ],
};
