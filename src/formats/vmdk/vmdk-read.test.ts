import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { noise } from '../../../test/fixtures/qemu.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import {
  buildStreamVmdk,
  buildVmdk,
  capacity,
  descriptorText,
  encodedGrain,
  entriesPerTable,
  grainBytes,
  grainPattern,
  grainSector,
  tableSector,
} from '../../../test/fixtures/vmdk-builder.ts';
import { createMappedDevice } from '../mapped-device.ts';
import { openDisk } from '../open-disk.ts';

/** The guest's bytes with these grains in it. */
function guest(grains: Record<number, Uint8Array>, sectors: number = capacity): Buffer {
  const bytes = Buffer.alloc(sectors * 512);
  for (const [index, grain] of Object.entries(grains)) {
    bytes.set(grain.subarray(0, Math.max(0, bytes.length - Number(index) * grainBytes)), Number(index) * grainBytes);
  }
  return bytes;
}

const three = { 0: grainPattern(0), 1: grainPattern(1), 2: grainPattern(2) };

test('reads grains in any order, zeroed grains and holes', async () => {
  const table = [grainSector(1), 0, grainSector(0), 1, 1];
  const file = buildVmdk({ header: { version: 2, flags: 7 }, table });
  const { bytes, map } = await readDisk(new MemorySource(file));
  assert.deepEqual(bytes, guest({ 0: grainPattern(1), 2: grainPattern(0) }));
  assert.deepEqual(
    (await map.runs(0, map.sizeBytes)).map(({ kind, offset, length }) => [kind, offset, length]),
    [
      ['data', 0, grainBytes],
      ['data', 2 * grainBytes, grainBytes],
      ['zero', 3 * grainBytes, 2 * grainBytes],
    ],
  );
});

test('reads compressed grains with the directory in front', async () => {
  const { bytes, report } = await readDisk(new MemorySource(buildVmdk({ compressed: true })));
  assert.deepEqual(bytes, guest(three));
  assert.ok(report.format === 'vmdk' && report.variant === 'streamOptimized' && report.directoryIn === 'header');
});

test('reads a stream whose directory is told in a footer, with several tables and gaps', async () => {
  const sectors = 3 * entriesPerTable * 8 + 40;
  const places = [0, 5, entriesPerTable - 1, 2 * entriesPerTable, 3 * entriesPerTable + 4];
  const grains = places.map((index) => [index, grainPattern(index)] as const);
  const source = new MemorySource(buildStreamVmdk({ capacity: sectors, grains }));
  const { bytes, report } = await readDisk(source);
  assert.deepEqual(bytes, guest(Object.fromEntries(grains), sectors));
  assert.ok(report.format === 'vmdk' && report.directoryIn === 'footer');
});

test('reads grains that grow when they are compressed', async () => {
  const grains = { 0: noise(grainBytes, 1), 1: noise(grainBytes, 2), 2: noise(grainBytes, 3) };
  assert.ok(deflateSync(grains[1]).length > grainBytes);
  const stream = buildStreamVmdk({ grains: Object.entries(grains).map(([index, bytes]) => [Number(index), bytes]) });
  assert.deepEqual((await readDisk(new MemorySource(stream))).bytes, guest(grains));
});

test('reads a last grain that ends with the disk, and one that goes on behind it', async () => {
  for (const length of [512, grainBytes]) {
    const file = buildStreamVmdk({ capacity: 9, grains: [[1, grainPattern(1, length)]] });
    assert.deepEqual((await readDisk(new MemorySource(file))).bytes, guest({ 1: grainPattern(1) }, 9));
  }
});

test("gives the guest the descriptor's size where VirtualBox counts whole grains in the header", async () => {
  const extent = 'RW 510 SPARSE "disk.vmdk"';
  const grains = [0, 1, 63].map((index) => [index, grainPattern(index)] as const);
  const descriptor = descriptorText({ type: 'streamOptimized', extent });
  const { bytes, map } = await readDisk(new MemorySource(buildStreamVmdk({ descriptor, grains })));
  assert.equal(map.sizeBytes, 510 * 512);
  assert.deepEqual(bytes, guest(Object.fromEntries(grains), 510));
});

test('asks for compressed grains in the order of the file, each once', async () => {
  const grains = Array.from({ length: 60 }, (_, index) => [index, noise(grainBytes, index)] as const);
  const source = new MemorySource(buildStreamVmdk({ grains }));
  const { map } = await openDisk(source);
  const runs = await map.runs(0, map.sizeBytes);
  assert.equal(runs.length, 60);
  let end = 0;
  for (const run of runs) {
    assert.ok(run.kind === 'data' && run.fileOffset >= end);
    end = run.fileOffset + run.fileLength;
  }
  source.reads.length = 0;
  await using device = createMappedDevice(source, map);
  await device.readAt(new Uint8Array(map.sizeBytes), 0);
  assert.equal(source.reads.length, 1, 'one read, and the table was kept');
});

test('cuts runs to the range that was asked for', async () => {
  const { map } = await openDisk(new MemorySource(buildVmdk({ compressed: true })));
  const [run] = await map.runs(grainBytes + 100, 1000);
  assert.ok(run?.kind === 'data' && run.codec === 'grain');
  assert.deepEqual(
    [run.offset, run.length, run.skip, run.firstSector, run.leastLength, run.unitLength],
    [grainBytes + 100, 1000, 100, 8, grainBytes, grainBytes],
  );
  assert.deepEqual(await map.runs(10 * grainBytes, grainBytes), []);
  await assert.rejects(map.runs(0, 2 ** 27), RangeError);
});

test('merges plain grains that neighbour, up to the last byte that the disk needs', async () => {
  const grains = [Buffer.concat([grainPattern(0), grainPattern(1)]), grainPattern(2)];
  const sector = grainSector(0);
  const file = buildVmdk({ grains, table: [sector, sector + 8], fileBytes: (sector + 16) * 512 });
  const { map, bytes } = await readDisk(new MemorySource(file));
  assert.equal((await map.runs(0, map.sizeBytes)).length, 1);
  assert.deepEqual(bytes, guest({ 0: grainPattern(0), 1: grainPattern(1) }));
});

test('reads descriptors as several programs write them', async () => {
  const texts = [
    descriptorText().replaceAll('\n', '\r\n'),
    descriptorText().replace('"monolithicSparse"', 'monolithicSparse'),
    descriptorText().replace('ffffffff', 'FFFFFFFF'),
    descriptorText().replace('7e4f1a2b', '4294967295 '),
    descriptorText({ extent: 'RDONLY  512\tSPARSE   "a name with (spaces).vmdk"  ' }),
    descriptorText({ more: 'encoding="UTF-8"\nddb.uuid.image="8f1e"\nddb.comment=""\nisNativeSnapshot="no"' }),
    descriptorText({ extent: 'RW 512 SPARSE "диск.vmdk"' }),
    `${descriptorText()}\0\0"\n`, // QEMU shortened the CID in place
    descriptorText().padEnd(4 * 512, ' '),
  ];
  for (const descriptor of texts) {
    assert.deepEqual((await readDisk(new MemorySource(buildVmdk({ descriptor })))).bytes, guest(three), descriptor);
  }
});

test('reads files without redundant tables, and with flags that may be ignored', async () => {
  for (const header of [{ flags: 1, rgdOffset: 0 }, { rgdOffset: 0 }, { flags: 0 }, { flags: 0x1b, version: 3 }]) {
    assert.deepEqual((await readDisk(new MemorySource(buildVmdk({ header })))).bytes, guest(three));
  }
  const none = { directory: [0], redundantDirectory: [0] };
  assert.deepEqual((await readDisk(new MemorySource(buildVmdk(none)))).bytes, guest({}));
});

test('reports what it found and what it left behind', async () => {
  const file = buildVmdk({
    header: { uncleanShutdown: 1, version: 2, flags: 7 },
    descriptor: descriptorText({ more: 'changeTrackPath="disk-ctk.vmdk"' }).replace(
      'lsilogic',
      'ide\x1b[31m'.slice(0, 3),
    ),
  });
  const { report } = await openDisk(new MemorySource(file));
  const { notes, ...facts } = report;
  assert.deepEqual(facts, {
    format: 'vmdk',
    fileBytes: file.length,
    guestBytes: capacity * 512,
    variant: 'monolithicSparse',
    version: 2,
    grainBytes,
    directoryIn: 'header',
    redundantTables: true,
    zeroedGrains: true,
    uncleanShutdown: true,
    adapterType: 'ide',
    hardwareVersion: '10',
  });
  assert.equal(notes.length, 2);
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test('reads neighbouring tables with one request for many ranges, and keeps them', async () => {
  // 40 tables side by side behind the directory; each names one grain, the same sector being a grain of its own table.
  const tables = 40;
  const sectors = tables * entriesPerTable * 8;
  const file = Buffer.alloc((tableSector + tables + 8 * tables) * 512);
  buildVmdk({
    header: { flags: 1, rgdOffset: 0, capacity: sectors, overHead: 1 },
    descriptor: descriptorText({ capacity: sectors }),
    directory: Array.from({ length: tables }, (_, index) => tableSector + index),
    table: [],
    grains: [],
  }).copy(file, 0, 0, tableSector * 512);
  for (let index = 0; index < tables; index++) {
    file.writeUInt32LE(tableSector + tables + 8 * index, (tableSector + index) * 512);
  }
  const source = new MemorySource(file);
  const { map } = await openDisk(source);
  source.reads.length = 0;
  const span = entriesPerTable * grainBytes;
  for (let index = 0; index < tables; index++) assert.equal((await map.runs(index * span, span)).length, 1);
  assert.deepEqual(source.reads, [{ offset: tableSector * 512, length: tables * 512 }]);
});

test('keeps a decoded grain apart from the same bytes named by another place', async () => {
  const file = buildVmdk({
    compressed: true,
    grains: [encodedGrain(0), encodedGrain(1)],
    header: { capacity: 2 * entriesPerTable * 8, flags: 0x30001, rgdOffset: 0 },
    descriptor: descriptorText({ type: 'streamOptimized', capacity: 2 * entriesPerTable * 8 }),
    directory: [tableSector, tableSector + 1],
  });
  file.writeUInt32LE(grainSector(0), (tableSector + 1) * 512);
  const source = new MemorySource(file);
  const { map } = await openDisk(source);
  await using device = createMappedDevice(source, map);
  await device.readAt(new Uint8Array(grainBytes), 0);
  await assert.rejects(device.readAt(new Uint8Array(grainBytes), entriesPerTable * grainBytes), {
    check: 'vmdk.compressed-grain',
  });
});
