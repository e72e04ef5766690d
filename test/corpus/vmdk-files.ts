import type { SparseFile } from '../fixtures/sparse-file.ts';
import { buildFooter } from '../fixtures/vhd-builder.ts';
import {
  buildHeader,
  buildStreamVmdk,
  buildVmdk,
  capacity,
  descriptorText,
  directoryAtEnd,
  directorySector,
  encodedGrain,
  entriesPerTable,
  grainPattern,
  grainSector,
  type StreamParts,
  tableSector,
  type VmdkParts,
} from '../fixtures/vmdk-builder.ts';
import { type CorpusRow, type CorpusTable, KiB, MiB } from './corpus-table.ts';

const made = (what: string, parts: VmdkParts, outcome: string): CorpusRow => [what, () => buildVmdk(parts), outcome];
const stream = (what: string, parts: StreamParts, outcome: string): CorpusRow => [
  what,
  () => buildStreamVmdk(parts),
  outcome,
];
/** A file whose descriptor has these lines in place of good ones. */
const described = (what: string, lines: Parameters<typeof descriptorText>[0], outcome: string): CorpusRow =>
  made(what, { descriptor: descriptorText(lines) }, outcome);
/** A file whose descriptor is the good one, with one thing changed in it. */
const edited = (what: string, words: string, inTheirPlace: string, outcome: string): CorpusRow =>
  made(what, { descriptor: descriptorText().replace(words, inTheirPlace) }, outcome);

export const vmdkFiles: CorpusTable = {
  'backing file': [
    described('names a parent by its content', { parentCid: '12345678' }, 'vmdk.parent'),
    described('names a parent by its path', { more: 'parentFileNameHint="/etc/passwd"' }, 'vmdk.parent'),
    // QEMU looks for the word anywhere in the text.
    described('names a parent in a comment', { more: '# parentFileNameHint="/etc/passwd"' }, 'vmdk.parent'),
    edited('does not say that it has no parent', 'parentCID=ffffffff\n', '', 'vmdk.parent'),
    edited('has its parent twice, good and bad', '\n\n', '\nPARENTCID=12345678\n\n', 'vmdk.descriptor'),
  ],
  'guessed format': [
    made(
      'has a guest that begins as a VMDK descriptor does',
      { grains: [Buffer.from(descriptorText({ type: 'monolithicFlat', extent: 'RW 8 FLAT "/etc/passwd" 0' }))] },
      'accepted',
    ),
  ],
  'two identities': [
    [
      'has a master boot record in its header',
      () => {
        const file = buildVmdk();
        file.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 1, 0, 0], 446);
        file.set([0x55, 0xaa], 510);
        return file;
      },
      'vmdk.partition-table',
    ],
    ['ends as a VHD does', () => Buffer.concat([buildVmdk(), buildFooter({ type: 2 })]), 'format.ambiguous'],
    // A program that reads streams believes the footer, one that opens files the header.
    stream('has a footer of a larger disk', { footer: { capacity: 2 * capacity } }, 'vmdk.footer'),
    stream('has a footer of other grains', { footer: { grainSize: 16 } }, 'vmdk.footer'),
    stream('has a footer with another descriptor', { footer: { descriptorOffset: 64 } }, 'vmdk.footer'),
    stream('has a footer that is not compressed', { footer: { compressAlgorithm: 0 } }, 'vmdk.footer'),
    stream('has a directory in front, and one in a footer', { header: { gdOffset: 10 } }, 'vmdk.footer'),
    stream('has a file behind its end', { trailing: Buffer.alloc(512, 'behind') }, 'vmdk.footer'),
  ],
  descriptor: [
    described('reads another file', { extent: 'RW 512 FLAT "/etc/passwd" 0' }, 'vmdk.extent'),
    described('reads a device', { type: 'fullDevice', extent: 'RW 512 FLAT "/dev/sda" 0' }, 'vmdk.create-type'),
    described('names itself by a path', { extent: 'RW 512 SPARSE "../../disk.vmdk"' }, 'vmdk.extent'),
    described('names itself by a path of Windows', { extent: 'RW 512 SPARSE "..\\disk.vmdk"' }, 'vmdk.extent'),
    described('has a zero within a name', { extent: 'RW 512 SPARSE "a\0/etc/passwd"' }, 'vmdk.descriptor'),
    described('has a second extent', { more: 'RW 512 FLAT "/etc/passwd" 0' }, 'vmdk.extent'),
    described('has a second type', { more: 'createType="monolithicFlat"' }, 'vmdk.descriptor'),
    described('has a line that is nothing', { more: 'hello' }, 'vmdk.descriptor'),
    edited('hides a line behind a lone carriage return', '\nCID', '\rCID', 'vmdk.descriptor'),
    made('has a second descriptor behind a zero', twoDescriptors(), 'vmdk.descriptor'),
    // Told that the disk has no size, QEMU opens the file by its descriptor, and with it what that names.
    made('has a header that leaves the size to its descriptor', { header: { capacity: 0 } }, 'vmdk.virtual-size'),
    made('has its descriptor somewhere else', { header: { descriptorOffset: 2 } }, 'vmdk.descriptor-place'),
    [
      'is nothing but a descriptor of another file',
      () => Buffer.from(descriptorText({ type: 'monolithicFlat', extent: 'RW 512 FLAT "/etc/passwd" 0' })),
      'format.unsupported',
    ],
  ],
  size: [
    sized('has a disk of 4 TiB and a sector', 2n ** 33n + 1n, 'vmdk.virtual-size'),
    sized('has a disk of 2^64 - 1 sectors', 2n ** 64n - 1n, 'vmdk.virtual-size'),
    sized('has a disk of 2^64 + 512 bytes', 2n ** 55n + 1n, 'vmdk.virtual-size'),
    made('has a larger disk in its header than in its descriptor', { header: { capacity: 520 } }, 'vmdk.capacity'),
    made('has grains of 2^63 sectors', { header: { grainSize: 1n << 63n } }, 'vmdk.grain-size'),
    made('has grains of no sectors', { header: { grainSize: 0 } }, 'vmdk.grain-size'),
    made('has metadata of 2^64 - 1 sectors', { header: { overHead: -1n } }, 'vmdk.truncated'),
  ],
  table: [
    ['has the largest directory, 2 million tables', () => largestDirectory(Buffer.alloc(0)), 'accepted'],
    ['has a directory of a table more', () => largestDirectory(Buffer.alloc(0), 256), 'vmdk.grain-directory'],
    made('has tables of 2^32 - 1 entries', { header: { numGTEsPerGT: 0xffffffff } }, 'vmdk.grain-size'),
    made('has tables of 1024 entries', { header: { numGTEsPerGT: 1024 } }, 'vmdk.grain-size'),
    made('has the longest descriptor, 2047 sectors', longDescriptor(2047), 'accepted'),
    made('has a descriptor of 2048 sectors', longDescriptor(2048), 'vmdk.descriptor-place'),
    made('has a descriptor of 2^63 sectors', { header: { descriptorSize: 1n << 63n } }, 'vmdk.descriptor-place'),
    made('has 50,000 extents', longDescriptor(2047, 'RW 1 FLAT "a" 0\n'.repeat(50_000)), 'vmdk.extent'),
    made('has its directory past 2^64', { header: { gdOffset: 2n ** 64n - 2n } }, 'vmdk.grain-directory'),
  ],
  overlap: [
    made('has its directory as a table', { directory: [directorySector] }, 'vmdk.overlap'),
    made('has its descriptor as a table', { directory: [1] }, 'vmdk.overlap'),
    made('keeps a grain in its table', { table: [tableSector] }, 'vmdk.overlap'),
    made('keeps a grain in its descriptor', { table: [2] }, 'vmdk.overlap'),
    made('has two tables that do not agree', { redundantTable: [grainSector(2)] }, 'vmdk.redundant-tables'),
    ['has 2 million tables, of which two are one', () => largestDirectory(looping()), 'vmdk.overlap'],
    stream('has a footer that leads to a footer', { footer: { gdOffset: directoryAtEnd } }, 'vmdk.footer'),
    stream('has a grain as a table', { editDirectory: (entries) => entries.fill(9) }, 'vmdk.marker'),
    stream('has a table as a grain', { editTable: (_, entries, sector) => entries.fill(sector) }, 'vmdk.overlap'),
    made('names one grain twice', { table: [grainSector(0), grainSector(0)] }, 'accepted'),
    made('names one grain 128 times', sharedGrain(), 'vmdk.amplification'),
    made(
      'names one compressed grain twice',
      { compressed: true, table: [grainSector(0), grainSector(0)] },
      'vmdk.overlap',
    ),
  ],
  bomb: [
    grain('inflates to 64 MiB', () => encodedGrain(0, new Uint8Array(64 * MiB)).subarray(0, 4 * KiB)),
    grain('inflates to a byte too much', () => encodedGrain(0, grainPattern(0, 4097))),
    grain('inflates to a byte too little', () => encodedGrain(0, grainPattern(0, 4095))),
    grain('claims 4 GiB in the file', () => encodedGrain(0, grainPattern(0), { size: 0xffffffff })),
    grain('is that of another place', () => encodedGrain(1)),
  ],
};

/** A file whose one grain is compressed and damaged in this way. */
function grain(what: string, encode: () => Uint8Array): CorpusRow {
  const make = () => buildVmdk({ compressed: true, grains: [encode(), Buffer.alloc(0)], table: [grainSector(0)] });
  return [`has a grain that ${what}`, make, 'vmdk.compressed-grain'];
}

function sized(what: string, sectors: bigint, outcome: string): CorpusRow {
  const descriptor = descriptorText({ extent: `RW ${sectors} SPARSE "disk.vmdk"` });
  return made(what, { header: { capacity: sectors }, descriptor }, outcome);
}

function twoDescriptors(): VmdkParts {
  return { descriptor: `${descriptorText()}\0${descriptorText({ type: 'monolithicFlat' })}` };
}

function longDescriptor(sectors: number, more = ''): VmdkParts {
  const descriptor = descriptorText({ more }).padEnd(sectors * 512, '\0');
  return {
    header: { descriptorSize: sectors, rgdOffset: 0, gdOffset: sectors + 1, overHead: sectors + 2 },
    descriptor,
    grains: [],
    table: [],
    directory: [],
    redundantDirectory: [],
    fileBytes: (sectors + 2) * 512,
  };
}

function sharedGrain(): VmdkParts {
  const sectors = entriesPerTable * 8;
  return {
    header: { capacity: sectors },
    descriptor: descriptorText({ capacity: sectors }),
    table: Array.from({ length: entriesPerTable }, () => grainSector(0)),
  };
}

/** 4 TiB in grains of 4 KiB, and with tables of 512 entries the largest directory there is. */
function largestDirectory(directory: Uint8Array, numGTEsPerGT = 512): SparseFile {
  const sectors = 2 ** 33;
  const fields = { version: 1, flags: 1, capacity: sectors, numGTEsPerGT, gdOffset: 100, overHead: 100 };
  return {
    sizeBytes: 2 ** 33,
    parts: [
      [0, buildHeader(fields)],
      [512, Buffer.from(descriptorText({ capacity: sectors }))],
      [100 * 512, directory],
    ],
  };
}

/** Tables in the worst order for sorting, of which the last two are one. */
function looping(): Buffer {
  const tables = 2 ** 21;
  const directory = Buffer.alloc(tables * 4);
  for (let i = 0; i < tables; i++) directory.writeUInt32LE(40_000 + 4 * (Math.min(i, tables - 2) ^ 0x155554), i * 4);
  return directory;
}
