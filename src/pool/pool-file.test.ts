import assert from 'node:assert/strict';
import { appendFile, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { noise } from '../../test/fixtures/guest.ts';
import { MemoryDisk } from '../../test/fixtures/memory-disk.ts';
import { temporaryDirectory } from '../../test/fixtures/obraz.ts';
import { flipByteOf } from '../../test/fixtures/pool-place.ts';
import { createPace } from '../lib/pace.ts';
import { createKeptTables, PoolFile, PoolFileDamaged } from './pool-file.ts';
import { QuickReads } from './quick-reads.ts';
import { countPoolFile, writePoolFile } from './write-pool-file.ts';

const mib = 1024 * 1024;
const contentId = 'ab'.repeat(32);
const { signal } = new AbortController();

/** Two spans, of which the first is a hole and the second ends in the middle of a block. */
const sizeBytes = 65 * mib + 512;
const data = noise(5000, 1);
const dataAt = 64 * mib + 1000;

async function writeExample(path: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk(sizeBytes);
  await disk.writeAt(data, dataAt);
  await disk.writeAt(data.subarray(0, 512), sizeBytes - 512);
  const device = Object.assign(disk, { contentId });
  const pace = createPace(0);
  await writePoolFile({ device, path, pace, signal, async onSpan() {}, onWritten() {} });
  return disk;
}

function openFile(path: string): PoolFile {
  return PoolFile.open({ path, tables: createKeptTables(), quick: new QuickReads() });
}

test('a file is as docs/formats/pool.md says', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'volume.raw');
  const disk = await writeExample(path);
  const bytes = await readFile(path);
  const tablesAt = 65 * mib + 4096;
  assert.equal(bytes.length, tablesAt + 65_536 + 4096 + 4096);
  assert.ok(bytes.subarray(0, sizeBytes).equals(disk.bytes));
  const table = bytes.subarray(tablesAt, tablesAt + 65_536);
  for (let block = 0; block < 16_384; block += 1) {
    const at = 64 * mib + block * 4096;
    const expected = at < tablesAt ? crc32(bytes.subarray(at, at + 4096)) : crc32(Buffer.alloc(4096));
    assert.equal(table.readUInt32LE(block * 4), expected);
  }
  const directoryBytes = bytes.subarray(tablesAt + 65_536, tablesAt + 65_536 + 4096);
  assert.deepEqual(
    [0, 4, 8, 12].map((at) => directoryBytes.readUInt32LE(at)),
    [0, 0, 1, crc32(table)],
  );
  const trailer = bytes.subarray(-4096);
  assert.equal(trailer.toString('latin1', 0, 8), 'OBRZPOOL');
  assert.deepEqual([trailer.readUInt32LE(8), trailer.readUInt32LE(12)], [1, 1]);
  assert.equal(trailer.readBigUInt64LE(16), BigInt(sizeBytes));
  assert.equal(trailer.toString('hex', 24, 56), contentId);
  assert.equal(trailer.readUInt32LE(56), crc32(directoryBytes));
  assert.equal(trailer.readUInt32LE(60), crc32(trailer.subarray(0, 60)));

  const file = openFile(path);
  const target = Buffer.alloc(sizeBytes, 0xee);
  await file.readAt(target, 0);
  file.close();
  assert.ok(target.equals(disk.bytes));
  assert.equal(await countPoolFile(disk, signal), 3 * 4096 + 65_536 + 2 * 4096);
  await assert.rejects(file.readAt(target, 0), /is closed/);
});

test('a file that is cut short or says something else of itself is not opened', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'volume.raw');
  await writeExample(path);
  const { size } = await stat(path);
  const refused = () => assert.throws(() => openFile(path), PoolFileDamaged);
  // Each field of the directory and of the trailer, and what is behind them.
  for (const place of [0, 4, 8, 12, 4095, 4096, 4104, 4108, 4112, 4119, 4120, 4152, 4156]) {
    await flipByteOf(path, size - 8192 + place);
    refused();
    await flipByteOf(path, size - 8192 + place);
  }
  openFile(path).close();
  await appendFile(path, Buffer.alloc(4096));
  refused();
  for (const length of [size - 1, size - 4096, 4096, 100, 0]) {
    await truncate(path, length);
    refused();
  }
});
