import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import {
  blockBytes,
  blockDataOffset,
  blockPattern,
  blockSector,
  buildFixedVhd,
  buildFooter,
  buildVhd,
  guestBytes,
  unwritten,
} from '../../../test/fixtures/vhd-builder.ts';
import type { VhdReport } from '../disk-report.ts';
import { openDisk } from '../open-disk.ts';

/** The guest's first blocks, and zeros for the rest of its 16. */
function guest(...blocks: Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(guestBytes);
  for (const [i, block] of blocks.entries()) bytes.set(block, i * blockBytes);
  return bytes;
}

const goodReport: VhdReport = {
  format: 'vhd',
  fileBytes: 16384,
  guestBytes,
  notes: [],
  variant: 'dynamic',
  creator: 'win',
  sizeFrom: 'current-size',
  currentBytes: guestBytes,
  geometryBytes: guestBytes,
  blockBytes,
};

async function reportOf(file: Buffer): Promise<VhdReport> {
  const { report } = await openDisk(new MemorySource(file));
  assert.ok(report.format === 'vhd');
  return report;
}

test('reads the blocks of a dynamic VHD in any order, and holes', async () => {
  const table = [blockSector(1), unwritten, blockSector(0), blockSector(2)];
  const { bytes, map, report } = await readDisk(new MemorySource(buildVhd({ table })));
  assert.deepEqual(bytes, guest(blockPattern(1), new Uint8Array(blockBytes), blockPattern(0), blockPattern(2)));
  assert.deepEqual(
    (await map.runs(100, map.sizeBytes - 100)).map(
      (run) => run.kind === 'data' && [run.offset, run.length, run.fileOffset],
    ),
    [
      [100, blockBytes - 100, blockDataOffset(1) + 100],
      [2 * blockBytes, blockBytes, blockDataOffset(0)],
      [3 * blockBytes, blockBytes, blockDataOffset(2)],
    ],
  );
  assert.deepEqual(await map.runs(4 * blockBytes, 100), []);
  assert.deepEqual(report, goodReport);
});

test('reads a sector as zeros whose bit is clear, whatever stands in its place', async () => {
  // Of the eight sectors in a block: all, none, the first and the last, every other.
  const bitmaps = [0xff, 0x00, 0b1000_0001, 0b0101_0101];
  const blocks = bitmaps.map((bits, index) => ({ data: blockPattern(index), bitmap: Buffer.alloc(512, bits) }));
  const expected = blocks.map(({ data }, index) => {
    const block = Buffer.from(data);
    for (let sector = 0; sector < 8; sector++) {
      if ((((bitmaps[index] ?? 0) << sector) & 0x80) === 0) block.fill(0, sector * 512, sector * 512 + 512);
    }
    return block;
  });
  const { bytes, map } = await readDisk(new MemorySource(buildVhd({ blocks })));
  assert.deepEqual(bytes, guest(...expected));
  assert.deepEqual(await map.runs(blockBytes, blockBytes), []);
  // Two sectors of the third block and four of the fourth, none beside another.
  assert.equal((await map.runs(2 * blockBytes, 2 * blockBytes)).length, 6);
});

test('reads bitmaps once for a range that is asked for again', async () => {
  const source = new MemorySource(buildVhd());
  const { map } = await openDisk(source);
  const first = await map.runs(0, guestBytes);
  const reads = source.reads.length;
  assert.deepEqual(await map.runs(0, guestBytes), first);
  assert.equal(source.reads.length, reads);
});

test('reads a block that the disk ends in, and leaves what is behind its end', async () => {
  const size = 2 * blockBytes + 512;
  const { bytes } = await readDisk(new MemorySource(buildVhd({ footer: { current_size: size } })));
  assert.deepEqual(bytes, guest(blockPattern(0), blockPattern(1), blockPattern(2)).subarray(0, size));
});

test('reads a block whose bitmap takes more than a sector', async () => {
  const size = 8 * 2 ** 20;
  const footer = { current_size: size };
  const start = buildVhd({ footer, header: { block_size: size, max_table_entries: 1 }, table: [4] }).subarray(0, 2048);
  const bitmap = Buffer.alloc(2048);
  // Sectors 7, 8 and 16383: the last of the first byte, the first of the second, and the last of all.
  bitmap[0] = 0b0000_0001;
  bitmap[1] = 0b1000_0000;
  bitmap[2047] = 0b0000_0001;
  const file = Buffer.concat([start, bitmap, Buffer.alloc(size, 'data '), buildFooter(footer)]);
  const { map } = await openDisk(new MemorySource(file));
  assert.deepEqual(
    (await map.runs(0, size)).map((run) => run.kind === 'data' && [run.offset, run.length, run.fileOffset]),
    [
      [7 * 512, 1024, 4096 + 7 * 512],
      [size - 512, 512, 4096 + size - 512],
    ],
  );
});

test('reads a fixed VHD without its footer, also when it begins as a disk does', async () => {
  const disk = Buffer.alloc(65536, 'fixed; ');
  disk.write('\x55\xaa', 510, 'latin1');
  const { bytes, report } = await readDisk(new MemorySource(buildFixedVhd(disk)));
  assert.deepEqual(bytes, disk);
  const { blockBytes: _, ...fixedReport } = goodReport;
  assert.deepEqual(report, { ...fixedReport, fileBytes: 65536 + 512, variant: 'fixed' });
});

for (const build of [buildVhd, (parts: { footerLength: 511 }) => buildFixedVhd(guest(), parts)]) {
  test('reads a footer of 511 bytes, as Connectix wrote it', async () => {
    const file = build({ footerLength: 511 });
    const { bytes, report } = await readDisk(new MemorySource(file));
    assert.equal(bytes.length, guestBytes);
    assert.match(report.notes.join(), /511 bytes/);
  });
}

/** Footer fields, and the size that the disk has by them. 8 cylinders, 4 heads and 4 sectors make 65536 bytes. */
const sizes: [creator: string, from: VhdReport['sizeFrom'], bytes: number][] = [
  ['vpc ', 'geometry', 65536],
  ['qemu', 'geometry', 65536],
  ['qem2', 'current-size', 61440],
  ['win ', 'current-size', 61440],
  ['d2v ', 'current-size', 61440],
  ['tap\0', 'current-size', 61440],
  ['CTXS', 'current-size', 61440],
  ['wa\0\0', 'current-size', 61440],
  ['vbox', 'current-size', 61440],
  ['vs  ', 'current-size', 61440],
];

for (const [creator, from, bytes] of sizes) {
  test(`takes the size of a disk by "${creator.replaceAll('\0', '')}" from its ${from}`, async () => {
    const report = await reportOf(buildVhd({ footer: { creator, current_size: 61440 } }));
    assert.equal(report.guestBytes, bytes);
    assert.equal(report.sizeFrom, from);
    assert.equal(report.creator, creator.replaceAll(/[ \0]/g, ''));
    if (from === 'geometry') assert.match(report.notes.join(), /61440 bytes and a geometry of 65536/);
    else assert.deepEqual(report.notes, []);
  });
}

test('takes the current size where the geometry is the largest there is', async () => {
  const report = await reportOf(
    buildVhd({ footer: { creator: 'vpc ', cylinders: 65535, heads: 16, sectors: 255, current_size: 8192 } }),
  );
  assert.equal(report.guestBytes, 8192);
});

test('takes the geometry of a Virtual PC disk of 127 GiB, 2 MiB less than its current size', async () => {
  // The numbers of a real one: QEMU's sample image virtualpc-dynamic.vhd. Its blocks have 2 MiB.
  const entries = 136_365_211_648 / 2 ** 21;
  const footer = buildFooter({
    creator: 'vpc ',
    current_size: 136_365_211_648,
    cylinders: 65_278,
    heads: 16,
    sectors: 255,
  });
  const start = buildVhd({
    footer: { creator: 'vpc ', current_size: 136_365_211_648, cylinders: 65_278, heads: 16, sectors: 255 },
    header: { block_size: 2 ** 21, max_table_entries: entries },
  }).subarray(0, 1536);
  const file = Buffer.concat([start, Buffer.alloc(Math.ceil((entries * 4) / 512) * 512, 0xff), footer]);
  const report = await reportOf(file);
  assert.equal(report.guestBytes, 136_363_130_880);
  assert.equal(report.currentBytes, 136_365_211_648);
});

test('says what it left behind or did not heed', async () => {
  const notes = async (file: Buffer) => (await reportOf(file)).notes.join();
  assert.match(await notes(buildVhd({ footer: { saved_state: 1 } })), /suspended machine/);
  assert.match(await notes(buildVhd({ footer: { features: 3 } })), /temporary/);
  assert.match(await notes(buildVhd({ header: { parent_unique_id: 7 } })), /parent disk is named.*ignored/);
  assert.match(
    await notes(buildFixedVhd(Buffer.alloc(8192), { footer: { current_size: 4096 } })),
    /4096 bytes between the disk's end and the footer/,
  );
});

test('takes footers whose time stamps and saved states differ for the same', async () => {
  assert.equal((await reportOf(buildVhd({ copy: { time_stamp: 5, saved_state: 1 } }))).guestBytes, guestBytes);
});
