import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { buildQcow2 } from '../../../test/fixtures/qcow2-builder.ts';
import { readDisk, refusalOf } from '../../../test/fixtures/read-disk.ts';
import {
  blockBytes,
  blockPattern,
  blockSector,
  buildFixedVhd,
  buildFooter,
  buildVhd,
  guestBytes,
  tableOffset,
  type VhdParts,
} from '../../../test/fixtures/vhd-builder.ts';
import { openDisk } from '../open-disk.ts';

const GiB = 2 ** 30;

/** What is wrong with the file, the file, and the check that must refuse it. */
const hostile: [string, VhdParts, string][] = [
  // The footers.
  ['has a wrong checksum in its footer', { footer: { checksum: 1 } }, 'vhd.footer-checksum'],
  ['has a wrong checksum in the copy of its footer', { copy: { checksum: 1 } }, 'vhd.footer-copy'],
  ['has no copy of its footer', { copy: 'none' }, 'vhd.footer-copy'],
  ['has two sizes', { copy: { current_size: 2 * guestBytes } }, 'vhd.footer-copy'],
  ['has two geometries', { copy: { heads: 16 } }, 'vhd.footer-copy'],
  ['has two creators', { copy: { creator: 'vpc ' } }, 'vhd.footer-copy'],
  ['has two places for its header', { copy: { data_offset: 1024 } }, 'vhd.footer-copy'],
  ['is fixed in the copy of its footer', { copy: { type: 2 } }, 'vhd.footer-copy'],
  ['is differencing in the copy of its footer', { copy: { type: 4 } }, 'vhd.footer-copy'],
  ['is fixed, with a footer at its beginning too', { footer: { type: 2 } }, 'vhd.footer-copy'],
  ['is version 2', { footer: { version: 0x00020000 } }, 'vhd.version'],
  ['is version 0', { footer: { version: 0 } }, 'vhd.version'],
  ['needs unknown feature 2', { footer: { features: 6 } }, 'vhd.features'],
  ['needs unknown feature 31', { footer: { features: 0x80000002 } }, 'vhd.features'],
  ['is a differencing disk', { footer: { type: 4 } }, 'vhd.differencing'],
  [
    'is a differencing disk of /etc/passwd',
    { footer: { type: 4 }, header: { parent_unicode_name: '\0p\0w\0d' } },
    'vhd.differencing',
  ],
  ...[0, 1, 5, 6, 99, 0xffffffff].map((type): [string, VhdParts, string] => [
    `is of type ${type}`,
    { footer: { type } },
    'vhd.type',
  ]),

  // Sizes.
  ['has an empty disk', { footer: { current_size: 0 } }, 'vhd.virtual-size'],
  ['has an empty geometry, which counts', { footer: { creator: 'vpc ', heads: 0 } }, 'vhd.virtual-size'],
  ['has a disk of 1000 bytes', { footer: { current_size: 1000 } }, 'vhd.virtual-size'],
  ['has a disk of 2040 GiB and a sector', { footer: { current_size: 2040 * GiB + 512 } }, 'vhd.virtual-size'],
  ['has a disk of 3 TiB', { footer: { current_size: 3072 * GiB } }, 'vhd.virtual-size'],
  ['has a disk of 2^63 - 512 bytes', { footer: { current_size: (1n << 63n) - 512n } }, 'vhd.virtual-size'],
  ['has a disk of 2^64 - 1 bytes', { footer: { current_size: -1n } }, 'vhd.virtual-size'],
  [
    'has a size of 2^63 beside its geometry',
    { footer: { creator: 'vpc ', current_size: 1n << 63n } },
    'vhd.virtual-size',
  ],

  // The dynamic header.
  ['has its header in its footer', { footer: { data_offset: 0 } }, 'vhd.data-offset'],
  ['has its header on no border', { footer: { data_offset: 513 } }, 'vhd.data-offset'],
  ['has its header past its end', { footer: { data_offset: 1n << 40n } }, 'vhd.data-offset'],
  ['has its header at 2^64 - 512', { footer: { data_offset: -512n } }, 'vhd.data-offset'],
  ['has its header in its last footer', { footer: { data_offset: blockSector(3) * 512 - 512 } }, 'vhd.data-offset'],
  ['has a header without its cookie', { header: { cookie: 'cxsparsf' } }, 'vhd.dynamic-header'],
  ['has a wrong checksum in its header', { header: { checksum: 1 } }, 'vhd.dynamic-header'],
  ['has a header of version 9', { header: { version: 0x00090000 } }, 'vhd.version'],
  ...[0, 1, 512, 2048, 4095, 3 * 2 ** 20, 2 ** 29, 2 ** 31, 0xffffffff].map((size): [string, VhdParts, string] => [
    `has blocks of ${size} bytes`,
    { header: { block_size: size } },
    'vhd.block-size',
  ]),

  // The block allocation table.
  ['has no table entries', { header: { max_table_entries: 0 } }, 'vhd.block-table'],
  ['has a table entry too few', { header: { max_table_entries: 15 } }, 'vhd.block-table'],
  ['has 2^32 - 1 table entries', { header: { max_table_entries: 0xffffffff } }, 'vhd.block-table'],
  ['has one table entry more than are read', { header: { max_table_entries: 4 * 2 ** 20 + 1 } }, 'vhd.block-table'],
  ['has a table of 16 MiB past its end', { header: { max_table_entries: 4 * 2 ** 20 } }, 'vhd.block-table'],
  ['has its table in its footer', { header: { table_offset: 0 } }, 'vhd.block-table'],
  ['has its table in the end of its footer', { header: { table_offset: 508 } }, 'vhd.block-table'],
  ['has its table in its header', { header: { table_offset: 1024 } }, 'vhd.block-table'],
  ['has its table past its end', { header: { table_offset: 1n << 40n } }, 'vhd.block-table'],
  ['has its table at 2^64 - 512', { header: { table_offset: -512n } }, 'vhd.block-table'],
  ['has its table in its last footer', { header: { table_offset: blockSector(3) * 512 - 32 } }, 'vhd.block-table'],

  // Its entries.
  ['keeps a block past its end', { table: [0x7fffffff] }, 'vhd.truncated'],
  ['keeps a block at sector 2^32 - 2', { table: [0xfffffffe] }, 'vhd.truncated'],
  ['keeps a block in its last footer', { table: [blockSector(3)] }, 'vhd.truncated'],
  ['keeps a block that ends in its last footer', { table: [blockSector(2) + 1] }, 'vhd.truncated'],
  ['keeps a block in the copy of its footer', { table: [0] }, 'vhd.overlap'],
  ['keeps a block in its header', { table: [1] }, 'vhd.overlap'],
  ['keeps a block in its table', { table: [tableOffset / 512] }, 'vhd.overlap'],
  ['keeps two blocks in one place', { table: [blockSector(0), blockSector(0)] }, 'vhd.overlap'],
  ['keeps all blocks in one place', { table: Array.from({ length: 16 }, () => blockSector(1)) }, 'vhd.overlap'],
  ['keeps a block in the end of another', { table: [blockSector(0), blockSector(1) - 1] }, 'vhd.overlap'],
];

for (const [what, parts, check] of hostile) {
  test(`refuses a VHD that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(buildVhd(parts))), check);
  });
}

test('does not look at table entries beyond the end of the disk', async () => {
  const table = [blockSector(0), blockSector(0), 0x7fffffff];
  const { bytes } = await readDisk(new MemorySource(buildVhd({ table, footer: { current_size: blockBytes } })));
  assert.deepEqual(bytes, blockPattern(0));
});

const disk = Buffer.alloc(8192, 'fixed; ');
const fixed: [string, Buffer, string][] = [
  ['has a wrong checksum', buildFixedVhd(disk, { footer: { checksum: 1 } }), 'vhd.footer-checksum'],
  ['is shorter than its size', buildFixedVhd(disk, { footer: { current_size: 8704 } }), 'vhd.truncated'],
  ['is shorter than its geometry', buildFixedVhd(disk, { footer: { creator: 'qemu' } }), 'vhd.truncated'],
  ['has a disk of 1000 bytes', buildFixedVhd(disk.subarray(0, 1000)), 'vhd.virtual-size'],
  ['is nothing but a footer', buildFixedVhd(new Uint8Array()), 'vhd.footer-copy'],
  ['has another footer in front', Buffer.concat([buildFooter(), buildFixedVhd(disk)]), 'vhd.footer-copy'],
];

for (const [what, file, check] of fixed) {
  test(`refuses a fixed VHD that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(file)), check);
  });
}

test('refuses a fixed VHD whose guest begins as a qcow2 does, as a file of two identities', async () => {
  // A program that looks at the beginning would open the qcow2 in it, with whatever file that names.
  for (const header of [{}, { backing_file_offset: 512, backing_file_size: 11 }]) {
    const file = buildFixedVhd(buildQcow2({ header }));
    await assert.rejects(openDisk(new MemorySource(file)), { check: 'format.ambiguous', message: /qcow2 and vhd/ });
  }
});

test('names the remedy for a differencing disk', async () => {
  await assert.rejects(openDisk(new MemorySource(buildVhd({ footer: { type: 4 } }))), {
    remedy: /where its parent is: Convert-VHD .* or VBoxManage clonemedium/,
  });
});

test('refuses a dynamic VHD at every length it can be cut to', async () => {
  const whole = buildVhd();
  for (let length = 8; length < whole.length - 1; length++) {
    assert.notEqual(await refusalOf(new MemorySource(whole.subarray(0, length))), undefined, `cut to ${length}`);
  }
  // Without its last byte, which is always 0, the footer is one of the old length.
  const { bytes } = await readDisk(new MemorySource(whole.subarray(0, -1)));
  assert.deepEqual(bytes, (await readDisk(new MemorySource(whole))).bytes);
});

test('refuses a fixed VHD that was cut within its footer; one without any of it is a raw disk', async () => {
  const whole = buildFixedVhd(disk);
  for (let length = disk.length + 8; length < whole.length - 1; length++) {
    assert.equal(await refusalOf(new MemorySource(whole.subarray(0, length))), 'vhd.truncated', `cut to ${length}`);
  }
  assert.deepEqual((await readDisk(new MemorySource(whole.subarray(0, -1)))).bytes, disk);
  // Nothing is left that would tell: only a length or a digest from elsewhere can.
  assert.equal((await openDisk(new MemorySource(whole.subarray(0, disk.length)))).format, 'raw');
});

test('refuses a table of 4 million entries within 64 MiB and 1 s of CPU', async () => {
  // The largest table there is, every place in it apart from the others and in no order; its last entry is also its first.
  const entries = 4 * 2 ** 20;
  const tableEnd = tableOffset + entries * 4;
  const keptSectors = 9;
  const footer = { current_size: entries * blockBytes };
  const start = buildVhd({ footer, header: { max_table_entries: entries } }).subarray(0, tableOffset);
  const end = buildFooter(footer);
  const footerAt = tableEnd + entries * keptSectors * 512;
  let longestRead = 0;
  const source = {
    sizeBytes: footerAt + 512,
    async read(offset: number, length: number) {
      longestRead = Math.max(longestRead, length);
      const bytes = Buffer.alloc(length);
      if (offset < tableOffset) start.copy(bytes, 0, offset);
      if (offset >= footerAt) end.copy(bytes, 0, offset - footerAt);
      for (let at = Math.max(offset, tableOffset); at < offset + length && at < tableEnd; at += 4) {
        const index = ((at - tableOffset) / 4) % (entries - 1);
        bytes.writeUInt32BE(tableEnd / 512 + (index ^ 0x155555) * keptSectors, at - offset);
      }
      return bytes;
    },
    async [Symbol.asyncDispose]() {},
  };
  const started = process.cpuUsage();
  await assert.rejects(openDisk(source), { check: 'vhd.overlap' });
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
  // The table and its sorted copy, 16 MiB each, and the pieces that are read.
  assert.ok(longestRead <= 2 ** 20, `${longestRead} bytes in a read`);
});
