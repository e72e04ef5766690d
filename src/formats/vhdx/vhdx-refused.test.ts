import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../../test/fixtures/read-disk.ts';
import { SparseSource } from '../../../test/fixtures/sparse-file.ts';
import {
  batEntry,
  batOffset,
  blockOffset,
  buildVhdx,
  goodRegions,
  itemIds,
  logOffset,
  long,
  MiB,
  metadataOffset,
  parentLocatorId,
  regionIds,
  type VhdxParts,
  words,
} from '../../../test/fixtures/vhdx-builder.ts';
import { openDisk } from '../open-disk.ts';

const TiB = 2 ** 40;
const unknownId = '11111111-2222-3333-4444-555555555555';
const [batRegion, metadataRegion] = goodRegions;

const size = (bytes: number | bigint): VhdxParts => ({ metadata: { virtualDiskSize: { data: long(bytes) } } });
const blockSize = (bytes: number): VhdxParts => ({ metadata: { fileParameters: { data: words(bytes, 0) } } });
const bat = (...entries: bigint[]): VhdxParts => ({ bat: entries });

/** What is wrong with the file, its parts, and the check that must refuse it. */
const hostile: [string, VhdxParts, string][] = [
  // Headers.
  ['has no valid header', { header: { Checksum: 1 } }, 'vhdx.header'],
  ['has headers of another kind', { header: { Signature: 'tail' } }, 'vhdx.header'],
  [
    'has two headers of the same age that differ',
    { header: { SequenceNumber: 3 }, header2: { LogLength: 2 * MiB } },
    'vhdx.header',
  ],
  ['is version 2', { header: { Version: 2 } }, 'vhdx.version'],
  ['is version 0', { header: { Version: 0 } }, 'vhdx.version'],
  ['has a log on no border', { header: { LogOffset: logOffset + 512 } }, 'vhdx.log-place'],
  ['has a log of half a MiB', { header: { LogLength: MiB / 2 } }, 'vhdx.log-place'],
  ['has a log past its end', { header: { LogOffset: TiB } }, 'vhdx.truncated'],
  ['has a log past 2^64', { header: { LogOffset: 2n ** 64n - BigInt(MiB) } }, 'vhdx.truncated'],
  ['has a log of 4 GiB', { header: { LogLength: 0xfff00000 } }, 'vhdx.truncated'],
  ['has its log in its headers', { header: { LogOffset: 0 } }, 'vhdx.overlap'],
  ['has its log over its tables', { header: { LogLength: 3 * MiB } }, 'vhdx.overlap'],

  // Regions.
  ['has two region tables that differ', { regions2: [metadataRegion, batRegion] }, 'vhdx.region-table'],
  ['has 2048 regions', { regionCount: 2048 }, 'vhdx.region-table'],
  ['has 2^32 - 1 regions', { regionCount: 0xffffffff }, 'vhdx.region-table'],
  ['has no regions', { regions: [] }, 'vhdx.region'],
  ['has no block allocation table', { regions: [metadataRegion] }, 'vhdx.region'],
  ['has no metadata', { regions: [batRegion] }, 'vhdx.region'],
  [
    'has a region twice',
    { regions: [batRegion, metadataRegion, { ...batRegion, offset: blockOffset(0) }] },
    'vhdx.region',
  ],
  [
    'needs a region nobody knows',
    { regions: [...goodRegions, { id: unknownId, offset: 0, length: 0, required: 1 }] },
    'vhdx.unknown-region',
  ],
  [
    'has a region on no border',
    { regions: [{ ...batRegion, offset: batOffset + 4096 }, metadataRegion] },
    'vhdx.region',
  ],
  ['has a region of half a MiB', { regions: [{ ...batRegion, length: MiB / 2 }, metadataRegion] }, 'vhdx.region'],
  ['has an empty region', { regions: [{ ...batRegion, length: 0 }, metadataRegion] }, 'vhdx.region'],
  ['has a region past its end', { regions: [{ ...batRegion, offset: TiB }, metadataRegion] }, 'vhdx.truncated'],
  [
    'has a region past 2^64',
    { regions: [{ ...batRegion, offset: 2n ** 64n - BigInt(MiB) }, metadataRegion] },
    'vhdx.truncated',
  ],
  ['has a region in its headers', { regions: [{ ...batRegion, offset: 0 }, metadataRegion] }, 'vhdx.overlap'],
  ['has a region over its log', { regions: [{ ...batRegion, offset: logOffset }, metadataRegion] }, 'vhdx.overlap'],
  [
    'has a region over another',
    { regions: [{ ...batRegion, offset: metadataOffset }, metadataRegion] },
    'vhdx.overlap',
  ],
  [
    'has 2047 regions in one place',
    {
      regions: [...goodRegions, ...Array.from({ length: 2045 }, () => ({ ...batRegion, id: unknownId, required: 0 }))],
    },
    'vhdx.overlap',
  ],

  // Metadata.
  ['has 2048 items', { itemCount: 2048 }, 'vhdx.metadata'],
  ['has 65535 items', { itemCount: 0xffff }, 'vhdx.metadata'],
  ['has no items', { items: [] }, 'vhdx.metadata'],
  ...Object.keys(itemIds).map((name): [string, VhdxParts, string] => [
    `has no ${name}`,
    { metadata: { [name]: { id: unknownId, flags: 0 } } },
    'vhdx.metadata',
  ]),
  ["has a size that is only the user's", { metadata: { virtualDiskSize: { flags: 3 } } }, 'vhdx.metadata'],
  ['has an item twice', { metadata: { physicalSectorSize: { id: itemIds.logicalSectorSize } } }, 'vhdx.metadata'],
  ['has an item in its table', { metadata: { virtualDiskSize: { offset: 32 } } }, 'vhdx.metadata'],
  ['has an item past its region', { metadata: { virtualDiskSize: { offset: MiB - 4 } } }, 'vhdx.metadata'],
  ['has an item at 4 GiB', { metadata: { virtualDiskSize: { offset: 0xffffffff } } }, 'vhdx.metadata'],
  ['has an empty item', { metadata: { virtualDiskSize: { length: 0 } } }, 'vhdx.metadata'],
  ['has an item of 4 GiB', { metadata: { virtualDiskSize: { length: 0xffffffff } } }, 'vhdx.metadata'],
  ['needs an item nobody knows', { items: [...goodItemsAnd({ id: unknownId, flags: 4 })] }, 'vhdx.unknown-item'],
  ["needs an item of the user's", { items: [...goodItemsAnd({ id: unknownId, flags: 5 })] }, 'vhdx.unknown-item'],
  ['has a parent', { metadata: { fileParameters: { data: words(MiB, 2) } } }, 'vhdx.differencing'],
  ['names a parent', { items: [...goodItemsAnd({ id: parentLocatorId, flags: 4 })] }, 'vhdx.differencing'],

  // Sizes.
  ['has blocks of 0 bytes', blockSize(0), 'vhdx.block-size'],
  ['has blocks of half a MiB', blockSize(MiB / 2), 'vhdx.block-size'],
  ['has blocks of 3 MiB', blockSize(3 * MiB), 'vhdx.block-size'],
  ['has blocks of 512 MiB', blockSize(512 * MiB), 'vhdx.block-size'],
  ['has blocks of 2 GiB', blockSize(2 ** 31), 'vhdx.block-size'],
  ['has sectors of 0 bytes', { metadata: { logicalSectorSize: { data: words(0) } } }, 'vhdx.sector-size'],
  ['has sectors of 520 bytes', { metadata: { logicalSectorSize: { data: words(520) } } }, 'vhdx.sector-size'],
  [
    'has sectors of 1 GiB on its medium',
    { metadata: { physicalSectorSize: { data: words(2 ** 30) } } },
    'vhdx.sector-size',
  ],
  ['has a disk of 0 bytes', size(0), 'vhdx.virtual-size'],
  ['has a disk of 1000 bytes', size(1000), 'vhdx.virtual-size'],
  ['has a disk of 4 TiB and a sector', size(4 * TiB + 512), 'vhdx.virtual-size'],
  ['has a disk of 64 TiB', size(64 * TiB), 'vhdx.virtual-size'],
  ['has a disk of 2^64 - 512', size(2n ** 64n - 512n), 'vhdx.virtual-size'],
  [
    'has half a sector of 4096 bytes',
    { metadata: { logicalSectorSize: { data: words(4096) }, virtualDiskSize: { data: long(MiB + 512) } } },
    'vhdx.virtual-size',
  ],
  ['has a table too short for its disk', size(140_000 * MiB), 'vhdx.bat'],
  ['has a file of more than 64 TiB', { fileBytes: 64 * TiB + 1 }, 'vhdx.file-size'],

  // Block allocation table.
  ['keeps a block in its headers', bat(batEntry(0)), 'vhdx.overlap'],
  ['keeps a block in its log', bat(batEntry(logOffset)), 'vhdx.overlap'],
  ['keeps a block in its table', bat(batEntry(batOffset)), 'vhdx.overlap'],
  ['keeps a block in its metadata', bat(batEntry(metadataOffset)), 'vhdx.overlap'],
  ['keeps two blocks in one place', bat(batEntry(blockOffset(0)), batEntry(blockOffset(0))), 'vhdx.overlap'],
  ['keeps a block past its end', bat(batEntry(blockOffset(3))), 'vhdx.truncated'],
  ['keeps a block past 2^63', bat(batEntry(2n ** 63n)), 'vhdx.truncated'],
  ['keeps a block partially', bat(batEntry(blockOffset(0), 7)), 'vhdx.bat-entry'],
  ['has a block of state 4', bat(4n), 'vhdx.bat-entry'],
  ['has a block of state 5', bat(5n), 'vhdx.bat-entry'],
  ['has reserved bits in an entry', bat(batEntry(blockOffset(0)) | 8n), 'vhdx.bat-entry'],
  ['has half a block', { fileBytes: blockOffset(2) + MiB / 2 }, 'vhdx.truncated'],
];

function goodItemsAnd(item: { id: string; flags: number }) {
  const [parameters, bytes, id, sector, physical] = Object.values(itemIds);
  return [
    { id: parameters ?? '', data: words(MiB, 0), flags: 4 },
    { id: bytes ?? '', data: long(8 * MiB), flags: 6 },
    { id: id ?? '', data: Buffer.alloc(16), flags: 6 },
    { id: sector ?? '', data: words(512), flags: 6 },
    { id: physical ?? '', data: words(512), flags: 6 },
    { ...item, data: Buffer.alloc(20) },
  ];
}

for (const [what, parts, check] of hostile) {
  test(`refuses a VHDX that ${what}`, async () => {
    assert.equal(await refusalOf(new SparseSource(buildVhdx(parts))), check);
  });
}

test('refuses a VHDX wherever it is cut short', async () => {
  const whole = buildVhdx();
  const cuts = [8, 64, 65536, 65537, 200_000, MiB - 1, MiB, 2 * MiB - 1, 2 * MiB, 3 * MiB, 4 * MiB, blockOffset(2)];
  for (const sizeBytes of [...cuts, blockOffset(3) - 512, blockOffset(3) - 1]) {
    const source = new SparseSource({ ...whole, sizeBytes });
    assert.equal(await refusalOf(source), 'vhdx.truncated', `cut to ${sizeBytes}`);
  }
});

test('refuses a disk of 4 million blocks in the last of them, within 64 MiB and 1 s of CPU', async () => {
  const blocks = (4 * TiB) / MiB;
  const firstBlock = 40 * MiB;
  const table = Buffer.alloc(33 * MiB);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    if (block > 0 && block % 4096 === 0) at += 8;
    // The last is where the first is.
    const place = block === blocks - 1 ? 0 : block ^ 1;
    table.writeBigUInt64LE(batEntry(firstBlock + place * MiB), at);
    at += 8;
  }
  const file = buildVhdx({
    ...size(4 * TiB),
    regions: [{ id: regionIds.bat, offset: 4 * MiB, length: 33 * MiB, required: 1 }, metadataRegion],
    blocks: [table],
    fileBytes: firstBlock + 4 * TiB,
  });
  const source = new SparseSource(file);
  const started = process.cpuUsage();
  const { external } = process.memoryUsage();
  await assert.rejects(openDisk(source), { check: 'vhdx.overlap' });
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
  assert.ok(process.memoryUsage().external - external < 64 * MiB);
  assert.ok(source.readBytes < 34 * MiB, `${source.readBytes} bytes read`);
});
