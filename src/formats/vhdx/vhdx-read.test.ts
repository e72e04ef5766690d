import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import { SparseSource } from '../../../test/fixtures/sparse-file.ts';
import {
  batEntry,
  blockOffset,
  blockPattern,
  buildVhdx,
  goodRegions,
  guestBytes,
  long,
  MiB,
  type VhdxParts,
  words,
} from '../../../test/fixtures/vhdx-builder.ts';
import { openDisk } from '../open-disk.ts';
import { crc32c } from './crc32c.ts';

/** The guest's blocks from these patterns, and zeros for the rest. */
function guest(...blocks: (number | undefined)[]): Buffer {
  const bytes = Buffer.alloc(guestBytes);
  for (const [at, index] of blocks.entries()) if (index !== undefined) bytes.set(blockPattern(index), at * MiB);
  return bytes;
}

async function read(parts?: VhdxParts) {
  return await readDisk(new SparseSource(buildVhdx(parts)));
}

test('reads blocks in any order, zero blocks and holes', async () => {
  const bat = [batEntry(blockOffset(2)), 0n, batEntry(blockOffset(0)), batEntry(0, 2), 2n, 1n, 3n, 0n];
  const { bytes, map } = await read({ bat });
  assert.ok(bytes.equals(guest(2, undefined, 0)));
  assert.deepEqual(
    (await map.runs(0, guestBytes)).map(({ kind, offset, length }) => [kind, offset, length]),
    [
      ['data', 0, MiB],
      ['data', 2 * MiB, MiB],
      ['zero', 3 * MiB, 2 * MiB],
    ],
  );
});

test('merges neighbours, and cuts runs to the range that was asked for', async () => {
  const { map } = await openDisk(new SparseSource(buildVhdx()));
  assert.deepEqual(await map.runs(100, 2 * MiB), [
    {
      kind: 'data',
      offset: 100,
      length: 2 * MiB,
      codec: 'plain',
      fileOffset: blockOffset(0) + 100,
      fileLength: 2 * MiB,
      unitLength: 2 * MiB,
      skip: 0,
    },
  ]);
  assert.deepEqual(await map.runs(5 * MiB, MiB), []);
  await assert.rejects(map.runs(0, 2 ** 27), RangeError);
});

test('takes an offset with a block that is not present for nothing', async () => {
  const bat = [0, 1, 3].map((state) => batEntry(blockOffset(1), state)).concat(batEntry(2n ** 63n, 2));
  const { bytes } = await read({ bat });
  assert.ok(bytes.equals(guest()));
});

test('steps over the entries of sector bitmaps, whatever is in them', async () => {
  // Blocks of 256 MiB in sectors of 512 bytes: a bitmap's entry behind every 16.
  const blockBytes = 256 * MiB;
  const bat = Array.from({ length: 36 }, (_, entry) => (entry % 17 === 16 ? batEntry(MiB, 7) : 0n));
  bat[15] = batEntry(blockOffset(0));
  bat[17] = batEntry(blockOffset(0) + blockBytes);
  bat[35] = batEntry(blockOffset(0) + 2 * blockBytes);
  const file = buildVhdx({
    metadata: {
      fileParameters: { data: words(blockBytes, 0) },
      virtualDiskSize: { data: long(34 * blockBytes) },
    },
    bat,
    fileBytes: blockOffset(0) + 3 * blockBytes,
  });
  const { map } = await openDisk(new SparseSource(file));
  const places: number[] = [];
  for (let block = 0; block < 34; block++) {
    for (const run of await map.runs(block * blockBytes, 64 * MiB)) if (run.kind === 'data') places.push(block);
  }
  assert.deepEqual(places, [15, 16, 33]);
});

test('counts the bitmaps of 4096-byte sectors by those, and says so', async () => {
  const blockBytes = 256 * MiB;
  const bat = Array.from({ length: 131 }, () => 0n);
  bat[129] = batEntry(blockOffset(0));
  const { map, report } = await openDisk(
    new SparseSource(
      buildVhdx({
        metadata: {
          fileParameters: { data: words(blockBytes, 1) },
          virtualDiskSize: { data: long(130 * blockBytes) },
          logicalSectorSize: { data: words(4096) },
        },
        bat,
        fileBytes: blockOffset(0) + blockBytes,
      }),
    ),
  );
  assert.equal((await map.runs(128 * blockBytes, 4096)).length, 1);
  assert.ok(report.format === 'vhdx' && report.variant === 'fixed' && report.logicalSectorBytes === 4096);
  assert.match(report.notes.join(), /sectors of 4096 bytes/);
});

test('reads a last block that the file holds only as far as the disk reaches', async () => {
  const { bytes } = await read({
    metadata: { virtualDiskSize: { data: long(2 * MiB + 512) } },
    fileBytes: blockOffset(2) + 512,
  });
  assert.ok(bytes.equals(guest(0, 1, 2).subarray(0, 2 * MiB + 512)));
});

const stillGood: [string, VhdxParts, RegExp?][] = [
  ['with its second header damaged', { header2: { Checksum: 1 } }, /two headers is damaged/],
  ['with its second header empty', { header2: 'none' }, /two headers is damaged/],
  ['with its first header damaged', { header1: { Checksum: 1 } }, /two headers is damaged/],
  ['with two headers that are one', { header: { SequenceNumber: 5 } }],
  ['with the copy of its region table empty', { regions2: 'none' }, /two region tables is damaged/],
  [
    'with a region that it need not know',
    {
      regions: [
        ...goodRegions,
        { id: '00000000-0000-0000-0000-000000000001', offset: blockOffset(3), length: MiB, required: 0 },
      ],
      fileBytes: blockOffset(4),
    },
  ],
  ['without a log', { header: { LogLength: 0, LogOffset: 0 } }],
  ['with a log of a version that it need not read', { header: { LogVersion: 7 } }],
];

for (const [what, parts, note] of stillGood) {
  test(`reads a file ${what}`, async () => {
    const { bytes, report } = await read(parts);
    assert.ok(bytes.equals(guest(0, 1, 2)));
    if (note === undefined) assert.deepEqual(report.notes, []);
    else assert.match(report.notes.join(), note);
  });
}

test('takes the newer of two headers', async () => {
  await assert.rejects(read({ header1: { SequenceNumber: 2n ** 63n, Version: 9 } }), { check: 'vhdx.version' });
  await assert.rejects(read({ header2: { SequenceNumber: 2n ** 63n, Version: 9 } }), { check: 'vhdx.version' });
  assert.ok((await read({ header1: { Version: 9 } })).bytes.equals(guest(0, 1, 2)));
});

test('reports what it found', async () => {
  const file = buildVhdx();
  const { report } = await openDisk(new SparseSource(file));
  assert.deepEqual(report, {
    format: 'vhdx',
    fileBytes: file.sizeBytes,
    guestBytes,
    notes: [],
    variant: 'dynamic',
    blockBytes: MiB,
    logicalSectorBytes: 512,
    physicalSectorBytes: 4096,
    creator: 'made by hand',
    diskId: '83838383-8383-8383-8383-838383838383',
    replayedLogEntries: 0,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test('sums as CRC-32C does, in parts of any length', () => {
  // RFC 3720, B.4, and the check value of the CRC catalogues.
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  const bytes = blockPattern(1).subarray(0, 100);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), crc32c(bytes));
  }
});
