import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { noise } from '../../../test/fixtures/qemu.ts';
import { refusalOf } from '../../../test/fixtures/read-disk.ts';
import { SparseSource } from '../../../test/fixtures/sparse-file.ts';
import {
  buildHeader,
  buildVmdk,
  descriptorText,
  directoryAtEnd,
  directorySector,
  encodedGrain,
  entriesPerTable,
  grainPattern,
  grainSector,
  redundantDirectorySector,
  tableSector,
  type VmdkParts,
} from '../../../test/fixtures/vmdk-builder.ts';
import { openDisk } from '../open-disk.ts';

/** What is wrong with a file whose directory is in front, the file, and the check that must refuse it. */
const hostile: [string, VmdkParts, string][] = [
  // The header.
  ['is version 0', { header: { version: 0 } }, 'vmdk.version'],
  ['is version 4', { header: { version: 4 } }, 'vmdk.version'],
  ['is version 2^32 - 1', { header: { version: 0xffffffff } }, 'vmdk.version'],
  ['was sent as a text', { header: { newlineTest: 0x0a0a200a } }, 'vmdk.text-mode'],
  ['needs an unknown feature', { header: { flags: 0x40003 } }, 'vmdk.unknown-feature'],
  ['needs the highest feature', { header: { flags: 0x80000003 } }, 'vmdk.unknown-feature'],
  ['is compressed by an unknown method', { header: { compressAlgorithm: 2 } }, 'vmdk.compression'],
  ['is compressed and has no flag that says so', { header: { compressAlgorithm: 1 } }, 'vmdk.compression'],
  ['has the flag of compression alone', { header: { flags: 0x10003 } }, 'vmdk.compression'],
  ['is compressed without markers', { compressed: true, header: { flags: 0x10003 } }, 'vmdk.compression'],
  ['has markers and nothing compressed', { header: { flags: 0x20003 } }, 'vmdk.compression'],
  ['has grains of 0 sectors', { header: { grainSize: 0 } }, 'vmdk.grain-size'],
  ['has grains of 3 sectors', { header: { grainSize: 3 } }, 'vmdk.grain-size'],
  ['has grains of 4 sectors', { header: { grainSize: 4 } }, 'vmdk.grain-size'],
  ['has grains of 24 sectors', { header: { grainSize: 24 } }, 'vmdk.grain-size'],
  ['has grains of 4 MiB', { header: { grainSize: 8192 } }, 'vmdk.grain-size'],
  ['has grains of 2^40 sectors', { header: { grainSize: 1n << 40n } }, 'vmdk.grain-size'],
  ['has grains of 2^63 sectors', { header: { grainSize: 1n << 63n } }, 'vmdk.grain-size'],
  ['has tables of no entries', { header: { numGTEsPerGT: 0 } }, 'vmdk.grain-size'],
  ['has tables of 1024 entries', { header: { numGTEsPerGT: 1024 } }, 'vmdk.grain-size'],
  ['has tables of 2^32 - 1 entries', { header: { numGTEsPerGT: 0xffffffff } }, 'vmdk.grain-size'],
  ['has an empty disk', { header: { capacity: 0 } }, 'vmdk.virtual-size'],
  ['has a disk of 4 TiB and a sector', sized(2n ** 33n + 1n), 'vmdk.virtual-size'],
  ['has a disk of 2^64 - 1 sectors', sized(2n ** 64n - 1n), 'vmdk.virtual-size'],
  ['has a disk whose bytes are 2^64 + 512', sized(2n ** 55n + 1n), 'vmdk.virtual-size'],
  ['has a larger disk than its descriptor says', { header: { capacity: 520 } }, 'vmdk.capacity'],
  ['has a smaller disk than its descriptor says', { header: { capacity: 511 } }, 'vmdk.capacity'],
  ['ends within its metadata', { header: { overHead: 1 << 20 } }, 'vmdk.truncated'],
  ['has metadata of 2^64 - 1 sectors', { header: { overHead: -1n } }, 'vmdk.truncated'],
  ['is one of several parts', { header: { descriptorOffset: 0, descriptorSize: 0 } }, 'vmdk.no-descriptor'],
  ['has its descriptor elsewhere', { header: { descriptorOffset: 2 } }, 'vmdk.descriptor-place'],
  ['has its descriptor past 2^64', { header: { descriptorOffset: -1n } }, 'vmdk.descriptor-place'],
  ['has a descriptor of 1 MiB', { header: { descriptorSize: 2048 } }, 'vmdk.descriptor-place'],
  ['has a descriptor of 2^63 sectors', { header: { descriptorSize: 1n << 63n } }, 'vmdk.descriptor-place'],
  ['ends within its descriptor', { header: { descriptorSize: 2047 } }, 'vmdk.truncated'],

  // The descriptor: another disk, or another file.
  ['is on top of another file by its parent', text({ parentCid: '12345678' }), 'vmdk.parent'],
  ['names a parent file', text({ more: 'parentFileNameHint="/etc/passwd"' }), 'vmdk.parent'],
  ['names a parent file in a comment', text({ more: '#parentFileNameHint="/etc/passwd"' }), 'vmdk.parent'],
  ['names a parent file in a value', text({ more: 'ddb.x = "parentfilenamehint=a"' }), 'vmdk.parent'],
  ['does not say whether it has a parent', edited('parentCID=ffffffff\n', ''), 'vmdk.parent'],
  ['has no content id', edited('CID=7e4f1a2b\nparent', 'parent'), 'vmdk.parent'],
  ['has a content id of 11 digits', edited('7e4f1a2b', '7e4f1a2b000'), 'vmdk.parent'],
  ...['monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat', 'vmfs', 'vmfsSparse', 'seSparse', 'custom'].map(
    (type): [string, VmdkParts, string] => [`is of type ${type}`, text({ type }), 'vmdk.create-type'],
  ),
  ['is of type fullDevice', text({ type: 'fullDevice' }), 'vmdk.create-type'],
  ['is of no type', edited('createType="monolithicSparse"\n', ''), 'vmdk.create-type'],
  ['is of a type that its header denies', text({ type: 'streamOptimized' }), 'vmdk.create-type'],
  ['has a flat extent', text({ extent: 'RW 512 FLAT "/etc/passwd" 0' }), 'vmdk.extent'],
  ['has an extent without a file', text({ extent: 'RW 512 ZERO' }), 'vmdk.extent'],
  ['has an extent with a path', text({ extent: 'RW 512 SPARSE "../disk.vmdk"' }), 'vmdk.extent'],
  ['has an extent with a path of Windows', text({ extent: 'RW 512 SPARSE "..\\disk.vmdk"' }), 'vmdk.extent'],
  ['has an extent without a name', text({ extent: 'RW 512 SPARSE ""' }), 'vmdk.extent'],
  ['has an extent with an offset', text({ extent: 'RW 512 SPARSE "disk.vmdk" 1' }), 'vmdk.extent'],
  ['has an extent that may not be read', text({ extent: 'NOACCESS 512 SPARSE "disk.vmdk"' }), 'vmdk.extent'],
  ['has no extent', text({ extent: '# none' }), 'vmdk.extent'],
  ['has two extents', text({ more: 'RW 512 SPARSE "disk.vmdk"' }), 'vmdk.extent'],
  ['has 50,000 extents', big(descriptorText({ more: 'RW 1 FLAT "a" 0\n'.repeat(50_000) })), 'vmdk.extent'],
  ['is encrypted by Workstation', text({ more: 'encryptionKeys="vmware:key/list/()"' }), 'vmdk.encryption'],
  ['has a key safe', text({ more: 'encryption.keySafe = "vmware:key"' }), 'vmdk.encryption'],
  ['is encrypted by ESXi', text({ more: 'ddb.iofilters = "vmwarevmcrypt"' }), 'vmdk.encryption'],

  // The descriptor: not one.
  ['has an empty descriptor', { descriptor: '\0\0' }, 'vmdk.no-descriptor'],
  ['has a descriptor with a line of something else', text({ more: 'hello' }), 'vmdk.descriptor'],
  ['has an extent of a negative size', text({ extent: 'RW -1 SPARSE "a"' }), 'vmdk.descriptor'],
  ['has an extent of 2^100 sectors', text({ extent: `RW ${2n ** 100n} SPARSE "a"` }), 'vmdk.descriptor'],
  ['has its type twice', text({ more: 'createType="custom"' }), 'vmdk.descriptor'],
  ['has its parent twice, in other letters', text({ more: 'PARENTCID=12345678' }), 'vmdk.descriptor'],
  ['has more text behind a zero', { descriptor: `${descriptorText()}\0parentCID=1` }, 'vmdk.descriptor'],
  ['has a zero in a name', text({ extent: 'RW 512 SPARSE "a\0/etc/passwd"' }), 'vmdk.descriptor'],
  ['has lines that end with CR alone', edited('\nCID', '\rCID'), 'vmdk.descriptor'],
  ['has an escape in it', text({ more: '# \x1b[2J' }), 'vmdk.descriptor'],
  ['has a descriptor that is not UTF-8', { descriptor: Buffer.from('# \xff\n', 'latin1') }, 'vmdk.descriptor'],
  ['has a descriptor of 1 MiB of comment', big('#'.repeat(2 ** 20 - 1024)), 'vmdk.create-type'],
  ['has a descriptor of 1 MiB of blanks', big(`a${' '.repeat(2 ** 20 - 1024)}b`), 'vmdk.descriptor'],
  ['has a descriptor of 500,000 lines', big('#\n'.repeat(500_000)), 'vmdk.create-type'],

  // Directories.
  ['has its directory in its header', { header: { gdOffset: 0 } }, 'vmdk.grain-directory'],
  ['has its directory in its descriptor', { header: { gdOffset: 2 } }, 'vmdk.grain-directory'],
  ['has its directory past its end', { header: { gdOffset: 1 << 20 } }, 'vmdk.grain-directory'],
  ['has its directory past 2^64', { header: { gdOffset: 2n ** 64n - 2n } }, 'vmdk.grain-directory'],
  ['has its directory at 2^55 sectors', { header: { gdOffset: 2n ** 55n } }, 'vmdk.grain-directory'],
  ['has its copy of the directory past its end', { header: { rgdOffset: 1n << 50n } }, 'vmdk.grain-directory'],
  ['has one directory as its own copy', { header: { rgdOffset: directorySector } }, 'vmdk.overlap'],
  ['has a directory in a footer and no footer', { header: { gdOffset: directoryAtEnd } }, 'vmdk.footer'],
  ['has a table past its end', { directory: [1 << 20] }, 'vmdk.truncated'],
  ['has a table at 2^32 - 1', { directory: [0xffffffff] }, 'vmdk.truncated'],
  [
    'has its header as a table',
    { directory: [0xffffffff].map(() => 0), redundantDirectory: [1] },
    'vmdk.redundant-tables',
  ],
  ['has its descriptor as a table', { directory: [1] }, 'vmdk.overlap'],
  ['has its directory as a table', { directory: [directorySector] }, 'vmdk.overlap'],
  ['has the copy of its directory as a table', { directory: [redundantDirectorySector] }, 'vmdk.overlap'],
  ['has a table as its own copy', { redundantDirectory: [tableSector] }, 'vmdk.overlap'],
  ['has a table that its copy has not', { redundantDirectory: [0] }, 'vmdk.redundant-tables'],
  ['has a table that its copy denies', { redundantTable: [grainSector(2)] }, 'vmdk.redundant-tables'],
  [
    'shares one table',
    {
      header: { capacity: 2048, flags: 1 },
      descriptor: descriptorText({ capacity: 2048 }),
      directory: [tableSector, tableSector],
    },
    'vmdk.overlap',
  ],

  // Grains.
  ['keeps a grain past its end', { table: [1 << 20] }, 'vmdk.truncated'],
  ['keeps a grain at 2^32 - 1', { table: [0xffffffff] }, 'vmdk.truncated'],
  ['keeps a grain in its descriptor', { table: [2] }, 'vmdk.overlap'],
  ['has a zeroed grain without the flag', { table: [1] }, 'vmdk.overlap'],
  ['keeps a grain in its directory', { table: [directorySector] }, 'vmdk.overlap'],
  ['keeps a grain that reaches into its table', { table: [tableSector - 2] }, 'vmdk.overlap'],
  ['keeps a grain in its table', { table: [tableSector] }, 'vmdk.overlap'],
  ['ends within a grain', { fileBytes: grainSector(2) * 512 + 4095 }, 'vmdk.truncated'],
  [
    'names one grain 128 times',
    {
      header: { capacity: entriesPerTable * 8 },
      descriptor: descriptorText({ capacity: entriesPerTable * 8 }),
      table: Array.from({ length: entriesPerTable }, () => grainSector(0)),
    },
    'vmdk.amplification',
  ],

  // Compressed grains.
  ['names one compressed grain twice', { compressed: true, table: [grainSector(0), grainSector(0)] }, 'vmdk.overlap'],
  ['has a compressed grain past its end', { compressed: true, table: [1 << 20] }, 'vmdk.truncated'],
  ['has a compressed grain in its header', { compressed: true, table: [1] }, 'vmdk.overlap'],
  ['has a compressed grain in its table', { compressed: true, table: [tableSector] }, 'vmdk.overlap'],
  ...(
    [
      ['of noise', noise(600, 1)],
      ['of zeros', Buffer.alloc(512)],
      ['of another place', encodedGrain(1)],
      ['at 2^64 - 1', encodedGrain(0, grainPattern(0), { lba: -1n })],
      ['of no length', encodedGrain(0, grainPattern(0), { size: 0 })],
      ['of 4 GiB', encodedGrain(0, grainPattern(0), { size: 0xffffffff })],
      ['that inflates to 4095 bytes', encodedGrain(0, grainPattern(0, 4095))],
      ['that inflates to 4097 bytes', encodedGrain(0, grainPattern(0, 4097))],
      ['that inflates to 1 MiB', encodedGrain(0, new Uint8Array(1 << 20))],
      ['whose stream is cut short', encodedGrain(0, noise(4096, 1), { size: deflateSync(noise(4096, 1)).length - 5 })],
    ] as const
  ).map(([what, grain]): [string, VmdkParts, string] => [
    `has a compressed grain ${what}`,
    { compressed: true, grains: [grain, Buffer.alloc(0)], table: [grainSector(0)] },
    'vmdk.compressed-grain',
  ]),
  [
    'has a compressed grain that reaches into the next',
    { compressed: true, grains: [encodedGrain(0, noise(4096, 1))], table: [grainSector(0), grainSector(0) + 2] },
    'vmdk.compressed-grain',
  ],
];

for (const [what, parts, check] of hostile) {
  test(`refuses a VMDK that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(buildVmdk(parts))), check);
  });
}

test('refuses a VMDK that has a master boot record in its header', async () => {
  const file = buildVmdk();
  file.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 1, 0, 0], 446);
  file.set([0x55, 0xaa], 510);
  assert.equal(await refusalOf(new MemorySource(file)), 'vmdk.partition-table');
});

test('refuses a VMDK again that it refused', async () => {
  const parts = hostile.find(([, , check]) => check === 'vmdk.amplification')?.[1];
  const { map } = await openDisk(new MemorySource(buildVmdk(parts)));
  for (let i = 0; i < 2; i++) await assert.rejects(map.runs(0, 4096), { check: 'vmdk.amplification' });
});

test('refuses a directory of 2 million tables within 64 MiB and 1 s of CPU', async () => {
  // 4 TiB in grains of 4 KiB, and tables of 512 entries: the largest directory there is. Its tables stand in the worst
  // order for sorting, and the last two are one.
  const tables = 2 ** 21;
  const sectors = 2 ** 33;
  const directory = Buffer.alloc(tables * 4);
  for (let i = 0; i < tables; i++) directory.writeUInt32LE(40_000 + 4 * (Math.min(i, tables - 2) ^ 0x155554), i * 4);
  const fields = { version: 1, flags: 1, capacity: sectors, numGTEsPerGT: 512, gdOffset: 100, overHead: 100 };
  const source = new SparseSource({
    sizeBytes: 2 ** 33,
    parts: [
      [0, buildHeader(fields)],
      [512, Buffer.from(descriptorText({ capacity: sectors }))],
      [100 * 512, directory],
    ],
  });
  const started = process.cpuUsage();
  await assert.rejects(openDisk(source), { check: 'vmdk.overlap' });
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
});

test('refuses a directory that is one table too large', async () => {
  const sectors = 2 ** 33;
  const fields = { version: 1, flags: 1, capacity: sectors, numGTEsPerGT: 256, gdOffset: 100, overHead: 100 };
  const source = new SparseSource({
    sizeBytes: 2 ** 33,
    parts: [
      [0, buildHeader(fields)],
      [512, Buffer.from(descriptorText({ capacity: sectors }))],
    ],
  });
  await assert.rejects(openDisk(source), { check: 'vmdk.grain-directory' });
  assert.ok(source.readBytes < 2 ** 20, `${source.readBytes} bytes were read`);
});

/** A file whose header and descriptor say that the disk has so many sectors. */
function sized(sectors: bigint): VmdkParts {
  return {
    header: { capacity: sectors },
    descriptor: descriptorText({ extent: `RW ${sectors} SPARSE "disk.vmdk"` }),
  };
}

function text(parts: Parameters<typeof descriptorText>[0]): VmdkParts {
  return { descriptor: descriptorText(parts) };
}

function edited(words: string, inTheirPlace: string): VmdkParts {
  return { descriptor: descriptorText().replace(words, inTheirPlace) };
}

/** A descriptor as large as it can be, over all that would stand behind it. */
function big(content: string): VmdkParts {
  return {
    header: { descriptorSize: 2047 },
    descriptor: content.padEnd(2047 * 512, '\0'),
    grains: [],
    table: [],
    fileBytes: 2048 * 512,
  };
}
