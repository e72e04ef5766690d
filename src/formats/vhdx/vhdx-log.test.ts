import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDisk, refusalOf } from '../../../test/fixtures/read-disk.ts';
import { SparseSource } from '../../../test/fixtures/sparse-file.ts';
import {
  batEntry,
  batOffset,
  blockOffset,
  blockPattern,
  buildVhdx,
  guestBytes,
  header1Offset,
  logOffset,
  long,
  MiB,
  metadataOffset,
  sector,
  type VhdxLogEntry,
  type VhdxLogWrite,
  type VhdxParts,
  words,
} from '../../../test/fixtures/vhdx-builder.ts';
import { openDisk } from '../open-disk.ts';
import { Patches, ReplayedSource } from './replayed-source.ts';

const logSectors = MiB / sector;

/** A sector that says which it is from its first byte to its last. */
function sectorOf(text: string): Buffer {
  return Buffer.alloc(sector, text);
}

/** The first sector of the block allocation table with these entries. */
function batSector(...entries: bigint[]): Buffer {
  return Buffer.concat([long(...entries)], sector);
}

/** The sector of the metadata's items, for a disk of this size. */
function itemsSector(sizeBytes: number): Buffer {
  return Buffer.concat([words(MiB, 0), long(sizeBytes), Buffer.alloc(16), words(512, 512)], sector);
}

function entry(sequence: number, at: number, ...writes: VhdxLogWrite[]): VhdxLogEntry {
  return { sequence: BigInt(sequence), sector: at, writes };
}

const tail = (atSector: number) => ({ fields: { Tail: atSector * sector } });

async function read(log: readonly VhdxLogEntry[], parts?: VhdxParts) {
  return await readDisk(new SparseSource(buildVhdx({ ...parts, log })));
}

/** The first bytes of each block. */
function beginnings(bytes: Buffer): string[] {
  return Array.from({ length: guestBytes / MiB }, (_, block) => bytes.toString('latin1', block * MiB, block * MiB + 8));
}

test('replays a sector of the block allocation table', async () => {
  const { bytes, report } = await read([
    entry(7, 3, { offset: batOffset, data: batSector(batEntry(blockOffset(2)), 0n, batEntry(blockOffset(0))) }),
  ]);
  assert.deepEqual(beginnings(bytes).slice(0, 3), ['block 2;', '\0'.repeat(8), 'block 0;']);
  assert.ok(report.format === 'vhdx' && report.replayedLogEntries === 1);
  assert.match(report.notes.join(), /was not closed/);
});

test('replays metadata, and the region tables', async () => {
  const good = buildVhdx();
  const part = (offset: number) => good.parts.find(([at]) => at === offset)?.[1] ?? new Uint8Array();
  const table = part(192 * 1024).subarray(0, sector);
  const { bytes } = await read(
    [
      entry(
        1,
        0,
        { offset: metadataOffset + 65536, data: itemsSector(2 * MiB) },
        { offset: 192 * 1024, data: table },
        { offset: 256 * 1024, data: table },
      ),
    ],
    { regions: [] },
  );
  assert.equal(bytes.length, 2 * MiB);
});

test('replays sectors of guest data, whole, and zeros', async () => {
  const data = sectorOf('from the log; ');
  const { bytes } = await read([
    entry(1, 0, { offset: blockOffset(0) + sector, data }, { offset: blockOffset(1), data: 8192n }),
  ]);
  assert.ok(bytes.subarray(0, sector).equals(blockPattern(0).subarray(0, sector)));
  assert.ok(bytes.subarray(sector, 2 * sector).equals(data));
  assert.ok(bytes.subarray(MiB, 2 * MiB).equals(Buffer.alloc(MiB)));
  assert.ok(bytes.subarray(2 * MiB, 2 * MiB + 8192).equals(blockPattern(2)));
});

test('replays entries in their order, around the end of the ring', async () => {
  const at = blockOffset(0);
  const { bytes, report } = await read([
    // The second begins in the last sector of the log, the third is the newest.
    { ...entry(10, logSectors - 3, { offset: at, data: sectorOf('first; ') }), ...tail(logSectors - 3) },
    {
      ...entry(
        11,
        logSectors - 1,
        { offset: at, data: sectorOf('second; ') },
        { offset: at + sector, data: sectorOf('second; ') },
      ),
      ...tail(logSectors - 3),
    },
    { ...entry(12, 2, { offset: at + sector, data: 4096 }), ...tail(logSectors - 3) },
  ]);
  assert.equal(bytes.toString('latin1', 0, 8), 'second; ');
  assert.ok(bytes.subarray(sector, 2 * sector).equals(Buffer.alloc(sector)));
  assert.ok(report.format === 'vhdx' && report.replayedLogEntries === 3);
});

test('replays from the tail on: what is older was written already', async () => {
  const { report, bytes } = await read([
    entry(1, 0, { offset: blockOffset(0), data: sectorOf('too old') }),
    entry(2, 2, { offset: blockOffset(1), data: sectorOf('newest; ') }),
  ]);
  assert.deepEqual(beginnings(bytes).slice(0, 2), ['block 0;', 'newest; ']);
  assert.ok(report.format === 'vhdx' && report.replayedLogEntries === 1);
});

test('replays an entry of more descriptors than one sector has room for', async () => {
  const writes = Array.from({ length: 200 }, (_, i) => ({
    offset: blockOffset(1) + i * sector,
    data: i % 3 === 0 ? sector : sectorOf(`sector ${i}; `),
  }));
  const { bytes } = await read([entry(9, 200, ...writes)]);
  for (const [i, { data }] of writes.entries()) {
    const expected = typeof data === 'number' ? Buffer.alloc(data) : data;
    assert.ok(bytes.subarray(MiB + i * sector, MiB + (i + 1) * sector).equals(expected), `sector ${i}`);
  }
});

test('takes the newest of two sequences', async () => {
  const older = entry(5, 0, { offset: blockOffset(0), data: sectorOf('older; ') });
  const newer = entry(50, 10, { offset: blockOffset(0), data: sectorOf('newer; ') });
  for (const log of [
    [older, newer],
    [
      { ...newer, sector: 0 },
      { ...older, sector: 10 },
    ],
  ]) {
    assert.match((await read(log)).bytes.toString('latin1', 0, 7), /newer; /);
  }
});

const torn: [string, Partial<VhdxLogEntry>][] = [
  ['a checksum that is wrong', { fields: { Checksum: 1 } }],
  ['another log GUID', { fields: { LogGuid: '00000000-0000-0000-0000-000000000001' } }],
  ['a byte of its data changed', { damage: [[sector + 100, Buffer.from('x')]] }],
  ['a length of 0', { fields: { EntryLength: 0 } }],
  ['a length of 4 GiB', { fields: { EntryLength: 0xfffff000 } }],
  ['a length that is no whole sector', { fields: { EntryLength: sector + 1 } }],
  ['a length of one sector less', { fields: { EntryLength: sector } }],
  ['a tail past the log', { fields: { Tail: MiB } }],
  ['a tail on no sector', { fields: { Tail: 512 } }],
  ['2^32 - 1 descriptors', { fields: { DescriptorCount: 0xffffffff } }],
  ['a descriptor less than it has data', { fields: { DescriptorCount: 0 } }],
  ['a descriptor to no sector', { writes: [{ offset: blockOffset(0) + 512, data: sectorOf('torn') }] }],
  ['sequence number 0', { sequence: 0n }],
];

for (const [what, change] of torn) {
  const good = { ...entry(8, 0, { offset: blockOffset(0), data: sectorOf('whole; ') }), ...tail(0) };
  const bad = { ...entry(9, 2, { offset: blockOffset(0), data: sectorOf('torn; ') }), ...tail(0), ...change };

  test(`stops before an entry with ${what}`, async () => {
    assert.equal((await read([good, bad])).bytes.toString('latin1', 0, 6), 'whole;');
  });

  test(`refuses a log of nothing but an entry with ${what}`, async () => {
    assert.equal(await refusalOf(new SparseSource(buildVhdx({ log: [bad] }))), 'vhdx.log');
  });
}

const write = { offset: blockOffset(0), data: sectorOf('x') };

const refusedLogs: [string, readonly VhdxLogEntry[], string, VhdxParts?][] = [
  ['has no entry', [], 'vhdx.log', { header: { LogGuid: 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF' } }],
  ['has no bytes', [], 'vhdx.log-place', { header: { LogGuid: 1, LogLength: 0 } }],
  ['is of another version', [entry(1, 0, write)], 'vhdx.version', { header: { LogVersion: 1 } }],
  ['has 17 MiB', [entry(1, 0, write)], 'vhdx.log', { header: { LogLength: 17 * MiB }, fileBytes: 32 * MiB }],
  ['has a tail that is no entry', [{ ...entry(1, 0, write), ...tail(5) }], 'vhdx.log'],
  [
    'has a tail behind its newest entry',
    [
      { ...entry(2, 0, write), ...tail(2) },
      { ...entry(4, 2, write), ...tail(0) },
    ],
    'vhdx.log',
  ],
  [
    'goes in a circle',
    [
      { ...entry(3, 0, write), ...tail(2) },
      { ...entry(3, 2, write), ...tail(0) },
    ],
    'vhdx.log',
  ],
  ['knows a longer file', [{ ...entry(1, 0, write), fields: { FlushedFileOffset: blockOffset(4) } }], 'vhdx.truncated'],
  ['knows a file of 2^64 - 1', [{ ...entry(1, 0, write), fields: { FlushedFileOffset: -1 } }], 'vhdx.truncated'],
  ['makes the file 1 EiB', [{ ...entry(1, 0, write), fields: { LastFileOffset: 2n ** 60n } }], 'vhdx.log'],
  ['writes to 1 EiB', [entry(1, 0, { ...write, offset: 2n ** 60n })], 'vhdx.log'],
  ['writes past 2^64', [entry(1, 0, { offset: 2n ** 64n - 4096n, data: 2n ** 64n - 4096n })], 'vhdx.log'],
  ['writes 1 EiB of zeros', [entry(1, 0, { offset: blockOffset(0), data: 2n ** 60n })], 'vhdx.log'],
  ['writes a header', [entry(1, 0, { ...write, offset: header1Offset })], 'vhdx.log'],
  ['writes its file identifier', [entry(1, 0, { ...write, offset: 0 })], 'vhdx.log'],
  ['writes itself', [entry(1, 0, { ...write, offset: logOffset + 4 * sector })], 'vhdx.log'],
  ['fills itself with zeros', [entry(1, 0, { offset: 192 * 1024, data: 4 * MiB })], 'vhdx.log'],
  [
    'has 5000 zero descriptors',
    [
      entry(
        1,
        0,
        ...Array.from({ length: 5000 }, (_, i) => ({ offset: blockOffset(0) + i * 2 * sector, data: sector })),
      ),
    ],
    'vhdx.log',
  ],
  [
    'puts a table where none can be',
    [entry(1, 0, { offset: batOffset, data: batSector(batEntry(logOffset)) })],
    'vhdx.overlap',
  ],
  [
    'makes its disk 64 TiB',
    [entry(1, 0, { offset: metadataOffset + 65536, data: itemsSector(2 ** 46) })],
    'vhdx.virtual-size',
  ],
];

for (const [what, log, check, parts] of refusedLogs) {
  test(`refuses a log that ${what}`, async () => {
    assert.equal(await refusalOf(new SparseSource(buildVhdx({ ...parts, log }))), check);
  });
}

test('makes the file as long as the log says, with zeros', async () => {
  const table = batSector(batEntry(blockOffset(3)), batEntry(blockOffset(0)), batEntry(blockOffset(4)));
  const { bytes, report, source } = await read([
    {
      ...entry(1, 0, { offset: batOffset, data: table }, { offset: blockOffset(4), data: sectorOf('past the end; ') }),
      fields: { LastFileOffset: blockOffset(5) },
    },
  ]);
  assert.deepEqual(beginnings(bytes).slice(0, 3), ['\0'.repeat(8), 'block 0;', 'past the']);
  assert.equal(source.sizeBytes, blockOffset(5));
  assert.equal(report.fileBytes, blockOffset(3));
});

test('takes an entry of nothing, as a log begins with', async () => {
  const { report } = await read([entry(1, 0)]);
  assert.ok(report.format === 'vhdx' && report.replayedLogEntries === 1);
});

test('refuses a log of entries that claim each other within 1 s of CPU', async () => {
  // Every sector begins an entry of the whole log; or 4096 good ones follow each other, and the newest has no tail.
  const log = (make: (at: number) => VhdxLogEntry) => Array.from({ length: logSectors }, (_, at) => make(at));
  const claims = log((at) => ({ ...entry(at + 1, at), fields: { EntryLength: MiB, DescriptorCount: 100 } }));
  const chain = log((at) => ({ ...entry(at + 1, at), ...tail((at + 1) % logSectors) }));
  for (const entries of [claims, chain]) {
    const source = new SparseSource(buildVhdx({ log: entries }));
    const started = process.cpuUsage();
    await openDisk(source).catch(() => {});
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
  }
});

test('reads through any writes as if they had been made', async () => {
  const sectors = 64;
  const anyWrite = fc.record({
    start: fc.nat(sectors + 8),
    length: fc.integer({ min: 1, max: 12 }),
    byte: fc.option(fc.integer({ min: 1, max: 255 })),
  });
  const anyRead = fc.record({ from: fc.nat(80 * sector), length: fc.nat(20 * sector) });
  await fc.assert(
    fc.asyncProperty(fc.array(anyWrite, { maxLength: 40 }), fc.array(anyRead), async (writes, reads) => {
      const fileBytes = sectors * sector - 512;
      const file = Buffer.alloc(fileBytes, 'the file; ');
      const patches = new Patches();
      const expected = Buffer.alloc(100 * sector);
      expected.set(file);
      for (const { start, length, byte } of writes) {
        // A write of data is one sector, a write of zeros any number of them.
        const end = start + (byte === null ? length : 1);
        expected.fill(byte ?? 0, start * sector, end * sector);
        const place = { start: start * sector, end: end * sector };
        patches.write(byte === null ? place : { ...place, bytes: Buffer.alloc(sector, byte) });
      }
      const source = new ReplayedSource(
        new SparseSource({ sizeBytes: fileBytes, parts: [[0, file]] }),
        patches,
        100 * sector,
      );
      for (const { from, length } of [...reads, { from: 0, length: 100 * sector }]) {
        const bytes = await source.read(from, length);
        assert.ok(expected.subarray(from, from + length).equals(bytes));
      }
    }),
  );
});
