import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import {
  buildQcow2,
  clusterBytes,
  compressedEntry,
  copied,
  dataOffset,
  deflated,
  l1Offset,
  l2Offset,
  pattern,
  zstandard,
} from '../../../test/fixtures/qcow2-builder.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import { openDisk } from '../open-disk.ts';

const zeros = new Uint8Array(clusterBytes);

/** The guest's first clusters, and zeros for the rest of its 64. */
function guest(...clusters: Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(64 * clusterBytes);
  for (const [i, cluster] of clusters.entries()) bytes.set(cluster, i * clusterBytes);
  return bytes;
}

test('reads plain clusters in any order, zero clusters and holes', async () => {
  const l2 = [copied(dataOffset(1)), 0n, copied(dataOffset(0)), 1n, copied(dataOffset(2)) | 1n];
  const { bytes, map } = await readDisk(new MemorySource(buildQcow2({ l2 })));
  assert.deepEqual(bytes, guest(pattern(1), zeros, pattern(0)));
  assert.deepEqual(
    (await map.runs(0, map.sizeBytes)).map(({ kind, offset, length }) => [kind, offset, length]),
    [
      ['data', 0, clusterBytes],
      ['data', 2 * clusterBytes, clusterBytes],
      ['zero', 3 * clusterBytes, 2 * clusterBytes],
    ],
  );
});

test('merges neighbours, and cuts runs to the range that was asked for', async () => {
  const { map } = await openDisk(new MemorySource(buildQcow2()));
  assert.deepEqual(await map.runs(100, 2 * clusterBytes), [
    {
      kind: 'data',
      offset: 100,
      length: 2 * clusterBytes,
      codec: 'plain',
      fileOffset: dataOffset(0) + 100,
      fileLength: 2 * clusterBytes,
      unitLength: 2 * clusterBytes,
      skip: 0,
    },
  ]);
  assert.deepEqual(await map.runs(5 * clusterBytes, clusterBytes), []);
  await assert.rejects(map.runs(0, 2 ** 27), RangeError);
});

test('reads version 2, whose header ends at 72', async () => {
  const file = buildQcow2({ header: { version: 2, incompatible_features: (1n << 64n) - 1n, header_length: 0 } });
  // What stands there in version 3 is the beginning of the extensions in version 2.
  file.fill(0, 72, 112);
  const { bytes, report } = await readDisk(new MemorySource(file));
  assert.deepEqual(bytes, guest(pattern(0), pattern(1), pattern(2)));
  assert.equal(report.format === 'qcow2' && report.version, 2);
});

for (const [type, encode, header] of [
  ['zlib', deflated, {}],
  ['zstd', zstandard, { incompatible_features: 8, compression_type: 1 }],
] as const) {
  test(`reads ${type} clusters that stand close together, the last cut off by the end of the file`, async () => {
    const units = [pattern(0), pattern(1), pattern(2)].map(encode);
    const packed = Buffer.concat(units);
    const offsets = units.map((_, i) => dataOffset(0) + Buffer.concat(units.slice(0, i)).length);
    const l2 = units.map((unit, i) => compressedEntry(offsets[i] ?? 0, unit.length));
    const file = buildQcow2({ header, l2, data: [packed], fileBytes: dataOffset(0) + packed.length });
    const { bytes, map, report } = await readDisk(new MemorySource(file));
    assert.deepEqual(bytes, guest(pattern(0), pattern(1), pattern(2)));
    assert.equal(report.format === 'qcow2' && report.compression, type);
    const [run] = await map.runs(clusterBytes + 10, 20);
    assert.ok(run?.kind === 'data');
    assert.deepEqual([run.offset, run.length, run.skip, run.unitLength], [clusterBytes + 10, 20, 10, clusterBytes]);
  });
}

test('reads sub-clusters: allocated, zero and absent in one cluster', async () => {
  const bits = 14;
  const cluster = 2 ** bits;
  const part = cluster / 32;
  const file = Buffer.alloc(7 * cluster);
  const allocated = 0b0000_0110n;
  const zero = 0b1000_0000n;
  // Written with clusters of 16 KiB: the parts move to where those begin.
  const small = buildQcow2({
    header: {
      cluster_bits: bits,
      size: 4 * cluster,
      l1_table_offset: 3 * cluster,
      refcount_table_offset: cluster,
      incompatible_features: 16,
    },
  });
  small.copy(file, 0, 0, clusterBytes);
  file.writeBigUInt64BE(copied(4 * cluster), 3 * cluster);
  file.writeBigUInt64BE(copied(5 * cluster), 4 * cluster);
  file.writeBigUInt64BE((zero << 32n) | allocated, 4 * cluster + 8);
  file.writeBigUInt64BE(copied(6 * cluster), 4 * cluster + 16);
  file.writeBigUInt64BE(0xffffffffn, 4 * cluster + 24);
  file.fill('ab', 5 * cluster, 6 * cluster);
  file.fill('cd', 6 * cluster, 7 * cluster);

  const { bytes, map } = await readDisk(new MemorySource(file));
  const expected = Buffer.alloc(4 * cluster);
  expected.fill('ab', part, 3 * part);
  expected.fill('cd', cluster, 2 * cluster);
  assert.deepEqual(bytes, expected);
  assert.deepEqual(
    (await map.runs(0, cluster)).map(({ kind, offset, length }) => [kind, offset, length]),
    [
      ['data', part, 2 * part],
      ['zero', 7 * part, part],
    ],
  );
});

test('reads a cluster that two guest clusters share', async () => {
  const l2 = [BigInt(dataOffset(0)), BigInt(dataOffset(0))];
  const { bytes } = await readDisk(new MemorySource(buildQcow2({ l2 })));
  assert.deepEqual(bytes, guest(pattern(0), pattern(0)));
});

test('reads a last cluster that the file holds only as far as the disk reaches', async () => {
  const size = 2 * clusterBytes + 512;
  const file = buildQcow2({ header: { size }, fileBytes: dataOffset(2) + 512 });
  const { bytes } = await readDisk(new MemorySource(file));
  assert.deepEqual(bytes, guest(pattern(0), pattern(1), pattern(2)).subarray(0, size));
});

test('takes unknown extensions, unknown compatible bits and an L1 table larger than the disk needs', async () => {
  const file = buildQcow2({
    header: { compatible_features: 1n << 40n, autoclear_features: 1n << 40n },
    extensions: [{ type: 0x12345678, data: Buffer.from('hello') }],
    l1: [copied(l2Offset), copied(1n << 40n)],
  });
  assert.deepEqual((await readDisk(new MemorySource(file))).bytes, guest(pattern(0), pattern(1), pattern(2)));
});

test('reports what it found and what it left behind', async () => {
  const file = buildQcow2({
    header: { incompatible_features: 1, compatible_features: 1, nb_snapshots: 1, snapshots_offset: dataOffset(2) },
    extensions: [{ type: 0x23852875, data: Buffer.from('000000020000000000000000000000000000000000000000', 'hex') }],
  });
  const { report } = await openDisk(new MemorySource(file));
  const { notes, ...facts } = report;
  assert.deepEqual(facts, {
    format: 'qcow2',
    fileBytes: file.length,
    guestBytes: 64 * clusterBytes,
    version: 3,
    clusterBytes,
    compression: 'zlib',
    extendedL2: false,
    refcountBits: 16,
    lazyRefcounts: true,
    dirty: true,
    internalSnapshots: 1,
    bitmaps: 2,
  });
  assert.equal(notes.length, 3);
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test('reads neighbouring L2 tables with one request, and keeps them', async () => {
  // Clusters of 512 bytes: an L2 table for every 32 KiB of guest. 64 tables, one after the other, behind the L1 table.
  const bits = 9;
  const tables = 64;
  const firstTable = 5 * clusterBytes;
  const file = Buffer.alloc(firstTable + tables * 512);
  buildQcow2({
    header: { cluster_bits: bits, size: tables * 32 * 1024, l1_size: tables, refcount_table_offset: 512 },
    l1: Array.from({ length: tables }, (_, i) => copied(firstTable + i * 512)),
  }).copy(file, 0, 0, firstTable);
  file.fill(0, l2Offset, firstTable);
  for (let i = 0; i < tables; i++) file.writeBigUInt64BE(1n, firstTable + i * 512);

  const source = new MemorySource(file);
  const { map } = await openDisk(source);
  source.reads.length = 0;
  assert.equal((await map.runs(0, map.sizeBytes)).length, tables);
  assert.deepEqual(source.reads, [{ offset: firstTable, length: tables * 512 }]);
  await map.runs(0, map.sizeBytes);
  assert.equal(source.reads.length, 1);
  assert.ok(l1Offset < firstTable);
});
