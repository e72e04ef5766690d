import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../test/fixtures/memory-source.ts';
import { buildQcow2 } from '../../test/fixtures/qcow2-builder.ts';
import { noise, prose } from '../../test/fixtures/qemu.ts';
import { readDisk } from '../../test/fixtures/read-disk.ts';
import { ImageRefused } from './image-refused.ts';
import { openDisk } from './open-disk.ts';

/** Bytes of a file of `size` with `marks` at their offsets; negative ones count from the end. */
function fileWith(marks: Record<string, string | Uint8Array>, size = 65536): Buffer {
  const file = Buffer.alloc(size);
  for (const [place, mark] of Object.entries(marks)) {
    const offset = Number(place) < 0 ? size + Number(place) : Number(place);
    file.set(typeof mark === 'string' ? Buffer.from(mark, 'latin1') : mark, offset);
  }
  return file;
}

/** A master boot record's end: one bootable Linux partition. */
const partitionTable = Buffer.from('80000200830000000008000000380000'.padEnd(128, '0').concat('55aa'), 'hex');

async function refusal(file: Uint8Array): Promise<ImageRefused> {
  const failure = await openDisk(new MemorySource(file)).then(
    () => assert.fail('the file was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(failure instanceof ImageRefused, String(failure));
  return failure;
}

const recognised: [string, Buffer, string, RegExp][] = [
  ['a VMDK without a descriptor', fileWith({ 0: 'KDMV' }), 'vmdk.no-descriptor', /VMDK.*-f vmdk/],
  ['an ESX VMDK', fileWith({ 0: 'COWD' }), 'format.unsupported', /VMDK/],
  ['an SEsparse VMDK', fileWith({ 0: '\xbe\xba\xfe\xca' }), 'format.unsupported', /VMDK/],
  [
    'a VMDK descriptor',
    Buffer.from('# Disk DescriptorFile\nversion=1\nRW 8 FLAT "/etc/passwd" 0\n'),
    'format.unsupported',
    /descriptor/,
  ],
  [
    'a disk that ends with the mark of a VHD footer and no more of it',
    fileWith({ 0: partitionTable, '-512': 'conectix' }),
    'vhd.footer-checksum',
    /footer.*wrong/,
  ],
  ['a QED', fileWith({ 0: 'QED\0' }), 'format.unsupported', /QED/],
  ['a Parallels disk', fileWith({ 0: 'WithoutFreeSpace' }), 'format.unsupported', /Parallels/],
  ['a DMG', fileWith({ '-512': 'koly\0\0\0\x04\0\0\x02\0' }), 'format.unsupported', /DMG/],
  ['a Bochs disk', fileWith({ 0: 'Bochs Virtual HD Image' }), 'format.unsupported', /Bochs/],
  ['a cloop', fileWith({ 0: '#!/bin/sh\n#V2.0 Format\nmodprobe cloop' }), 'format.unsupported', /cloop/],
  ['a LUKS container', fileWith({ 0: 'LUKS\xba\xbe' }), 'format.encrypted', /LUKS/],
  ['a CD image', fileWith({ 32768: '\x01CD001' }), 'format.not-a-disk', /ISO 9660/],
  ['an lz4 file', fileWith({ 0: '\x04\x22\x4d\x18' }), 'format.wrapped', /lz4/],
  ['a zip file', fileWith({ 0: 'PK\x03\x04' }), 'format.wrapped', /zip/],
  ['a 7-Zip file', fileWith({ 0: "7z\xbc\xaf'\x1c" }), 'format.wrapped', /7-Zip/],
  [
    'an HTML page',
    Buffer.from('<!DOCTYPE html><html><body>404 Not Found</body></html>'),
    'raw.not-a-disk',
    /HTML page.*<!DOCTYPE/,
  ],
  ['an HTML page of whole sectors', Buffer.from('\n<html>'.padEnd(1024, ' ')), 'raw.not-a-disk', /HTML page/],
  [
    'an S3 error',
    Buffer.from('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'),
    'raw.not-a-disk',
    /XML/,
  ],
  ['a JSON answer', Buffer.from('{"error": "not found"}'), 'raw.not-a-disk', /JSON/],
  ['a text', Buffer.from('Доступ запрещён\n'), 'raw.not-a-disk', /a text/],
  [
    'a qcow2 with a VHD footer',
    Buffer.concat([buildQcow2(), fileWith({ 0: 'conectix' }, 512)]),
    'format.ambiguous',
    /qcow2 and vhd/,
  ],
  [
    'a VMDK with a DMG trailer',
    fileWith({ 0: 'KDMV', '-512': 'koly\0\0\0\x04\0\0\x02\0' }),
    'format.ambiguous',
    /vmdk and DMG/,
  ],
  ['a file of 0 bytes', Buffer.alloc(0), 'format.empty', /empty/],
];

for (const [what, file, check, message] of recognised) {
  test(`refuses ${what}`, async () => {
    const failure = await refusal(file);
    assert.equal(failure.check, check);
    assert.match(failure.message, message);
  });
}

test('refuses a qcow2 that is a CD image in the rest of its first cluster', async () => {
  const file = fileWith(
    { 0: buildQcow2({ header: { cluster_bits: 16 } }).subarray(0, 4096), 32768: '\x01CD001' },
    1 << 19,
  );
  assert.equal((await refusal(file)).check, 'format.ambiguous');
});

test('takes a qcow2 whose guest holds a CD image at that place', async () => {
  const data = Array.from({ length: 4 }, () => Buffer.alloc(4096));
  data[3]?.write('\x01CD001', 'latin1');
  assert.equal((await openDisk(new MemorySource(buildQcow2({ data })))).format, 'qcow2');
});

const rawDisks: [string, Buffer][] = [
  ['noise', noise(1 << 20, 1)],
  ['an isohybrid image', fileWith({ 446: partitionTable, 32768: '\x01CD001' })],
  ['zeros', Buffer.alloc(1 << 17)],
  ['a disk with its partition table', fileWith({ 446: partitionTable })],
  ['a text of whole sectors, as people make to try things out', prose(8192, 1)],
  ['a file that begins with QFI but is no qcow2', fileWith({ 0: 'QFI' }, 4096)],
];

for (const [what, file] of rawDisks) {
  test(`reads ${what} as a raw disk`, async () => {
    const { bytes, report } = await readDisk(new MemorySource(file));
    assert.deepEqual(bytes, file);
    assert.deepEqual(report, {
      format: 'raw',
      fileBytes: file.length,
      guestBytes: file.length,
      paddedBytes: 0,
      notes: [],
    });
  });
}

test('fills the last sector of a raw disk with zeros, and says so', async () => {
  for (const length of [1, 511, 513, 65536 + 7]) {
    const file = Buffer.alloc(length, 0xe5);
    const { bytes, report } = await readDisk(new MemorySource(file));
    const padded = 512 - (length % 512);
    assert.deepEqual(bytes, Buffer.concat([file, Buffer.alloc(padded)]));
    assert.equal(report.format === 'raw' && report.paddedBytes, padded);
    assert.match(report.notes.join(), /zero bytes were added/);
  }
});

test('refuses a raw disk above 4 TiB', async () => {
  const source = {
    sizeBytes: 4 * 2 ** 40 + 1,
    read: async (_offset: number, length: number) => new Uint8Array(length),
    async [Symbol.asyncDispose]() {},
  };
  await assert.rejects(openDisk(source), { check: 'raw.size' });
});

test('reads only the two ends of a raw disk to open it', async () => {
  const source = new MemorySource(noise(1 << 20, 1));
  await openDisk(source);
  assert.deepEqual(source.reads, [
    { offset: 0, length: 65536 },
    { offset: (1 << 20) - 512, length: 512 },
  ]);
});
