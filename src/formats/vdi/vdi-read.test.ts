import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import {
  blockBytes,
  blockPattern,
  buildVdi,
  dataOffset,
  discarded,
  guestBytes,
  unwritten,
  type VdiParts,
} from '../../../test/fixtures/vdi-builder.ts';
import type { VdiReport } from '../disk-report.ts';
import { openDisk } from '../open-disk.ts';

/** The guest's first blocks, and zeros for the rest of its 16. */
function guest(...blocks: Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(guestBytes);
  for (const [i, block] of blocks.entries()) bytes.set(block, i * blockBytes);
  return bytes;
}

const zeros = new Uint8Array(blockBytes);

async function reportOf(parts: VdiParts): Promise<VdiReport> {
  const { report } = await openDisk(new MemorySource(buildVdi(parts)));
  assert.ok(report.format === 'vdi');
  return report;
}

test('reads the blocks of a dynamic VDI in any order, discarded ones and holes', async () => {
  const map = [1, unwritten, 0, discarded, discarded, 2];
  const { bytes, map: disk, report } = await readDisk(new MemorySource(buildVdi({ map })));
  assert.deepEqual(bytes, guest(blockPattern(1), zeros, blockPattern(0), zeros, zeros, blockPattern(2)));
  assert.deepEqual(
    (await disk.runs(100, guestBytes - 100)).map((run) => [run.kind, run.offset, run.length]),
    [
      ['data', 100, blockBytes - 100],
      ['data', 2 * blockBytes, blockBytes],
      ['zero', 3 * blockBytes, 2 * blockBytes],
      ['data', 5 * blockBytes, blockBytes],
    ],
  );
  assert.deepEqual(report, {
    format: 'vdi',
    fileBytes: dataOffset + 3 * blockBytes,
    guestBytes,
    notes: [],
    variant: 'dynamic',
    creator: 'Oracle VM VirtualBox Disk Image',
    blockBytes,
    paddedBytes: 0,
  });
});

test('reads a fixed VDI by its block map', async () => {
  const blocks = Array.from({ length: 16 }, (_, i) => blockPattern(i));
  const { bytes, report } = await readDisk(new MemorySource(buildVdi({ header: { image_type: 2 }, blocks })));
  assert.deepEqual(bytes, guest(...blocks));
  assert.equal(report.format === 'vdi' && report.variant, 'fixed');
});

test('fills the last sector of a disk of an odd size with zeros, whatever stands there', async () => {
  const { bytes, report } = await readDisk(new MemorySource(buildVdi({ header: { disk_size: blockBytes + 700 } })));
  const expected = Buffer.alloc(blockBytes + 1024);
  expected.set(blockPattern(0));
  expected.set(blockPattern(1).subarray(0, 700), blockBytes);
  assert.deepEqual(bytes, expected);
  assert.ok(report.format === 'vdi' && report.paddedBytes === 324);
  assert.match(report.notes.join(), /324 zero bytes were added/);
});

test('reads a last block that ends with the disk', async () => {
  const parts = { header: { disk_size: 2 * blockBytes + 512 }, fileBytes: dataOffset + 2 * blockBytes + 512 };
  const { bytes } = await readDisk(new MemorySource(buildVdi(parts)));
  assert.deepEqual(bytes, guest(blockPattern(0), blockPattern(1), blockPattern(2)).subarray(0, 2 * blockBytes + 512));
});

test('says that the header counts other blocks than the map', async () => {
  assert.match((await reportOf({ header: { blocks_allocated: 2 } })).notes.join(), /counts 2 blocks.*map 3/);
});

test('names the program that made the file, safe to print', async () => {
  assert.equal(
    (await reportOf({ header: { text: '<<< QEMU VM Virtual Disk Image >>>\n' } })).creator,
    'QEMU VM Virtual Disk Image',
  );
  assert.equal(
    (await reportOf({ header: { text: '\x1b[31mred\xff'.padEnd(64, 'x') } })).creator,
    `?[31mred?${'x'.repeat(55)}`,
  );
  assert.equal((await reportOf({ header: { text: '' } })).creator, '');
});
