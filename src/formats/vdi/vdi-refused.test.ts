import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { seededRng } from '../../../test/fixtures/random-choice.ts';
import { readDisk, refusalOf } from '../../../test/fixtures/read-disk.ts';
import {
  blockBytes,
  blockPattern,
  buildVdi,
  dataOffset,
  mapOffset,
  mutateVdi,
  type VdiParts,
} from '../../../test/fixtures/vdi-builder.ts';
import { ImageRefused } from '../image-refused.ts';
import { openDisk } from '../open-disk.ts';
import { maxRunsLength } from '../run-builder.ts';

/** What is wrong with the file, the file, and the check that must refuse it. */
const hostile: [string, VdiParts, string][] = [
  // Kinds.
  ['is version 0.1', { header: { version: 1 } }, 'vdi.version'],
  ['is version 2.0', { header: { version: 0x00020000 } }, 'vdi.version'],
  ['is an undo image', { header: { image_type: 3 } }, 'vdi.differencing'],
  ['is a differencing image', { header: { image_type: 4 } }, 'vdi.differencing'],
  ['names a parent', { header: { uuid_link: 1n << 63n } }, 'vdi.differencing'],
  ['names a state of a parent', { header: { uuid_parent: 1 } }, 'vdi.differencing'],
  ...[0, 5, 0xffffffff].map((type): [string, VdiParts, string] => [
    `is of type ${type}`,
    { header: { image_type: type } },
    'vdi.type',
  ]),

  // Sizes.
  ['has an empty disk', { header: { disk_size: 0 } }, 'vdi.virtual-size'],
  ['has a disk of 4 TiB and a byte', { header: { disk_size: 4 * 2 ** 40 + 1 } }, 'vdi.virtual-size'],
  ['has a disk of 2^64 - 1 bytes', { header: { disk_size: -1n } }, 'vdi.virtual-size'],
  ['has sectors of 4096 bytes', { header: { sector_size: 4096 } }, 'vdi.sector-size'],
  ['has sectors of 0 bytes', { header: { sector_size: 0 } }, 'vdi.sector-size'],
  ...[0, 1, 512, 4095, 3 * 2 ** 20, 2 ** 29, 2 ** 31, 0xffffffff].map((size): [string, VdiParts, string] => [
    `has blocks of ${size} bytes`,
    { header: { block_size: size } },
    'vdi.block-size',
  ]),
  ['has something in front of each block', { header: { block_extra: 512 } }, 'vdi.block-size'],

  // The block map.
  ['has no blocks', { header: { blocks_in_image: 0 } }, 'vdi.block-map'],
  ['has a block too few', { header: { blocks_in_image: 15 } }, 'vdi.block-map'],
  ['has one block more than are read', { header: { blocks_in_image: 4 * 2 ** 20 + 1 } }, 'vdi.block-map'],
  ['has 2^32 - 1 blocks', { header: { blocks_in_image: 0xffffffff } }, 'vdi.block-map'],
  ['has more blocks in the file than in the disk', { header: { blocks_allocated: 17 } }, 'vdi.block-map'],
  ['has a disk of 4 TiB in blocks of 4 KiB', { header: { disk_size: 4 * 2 ** 40 } }, 'vdi.block-map'],
  ['has a map of 16 MiB past its end', { header: { blocks_in_image: 4 * 2 ** 20 } }, 'vdi.layout'],
  ['has a header of 383 bytes', { header: { header_size: 383 } }, 'vdi.layout'],
  ['has a header of 2^32 - 1 bytes', { header: { header_size: 0xffffffff } }, 'vdi.layout'],
  ['has its map in its header', { header: { offset_bmap: 471 } }, 'vdi.layout'],
  ['has its map at 0', { header: { offset_bmap: 0 } }, 'vdi.layout'],
  ['has its map past its end', { header: { offset_bmap: 0xffffffff, offset_data: 0xffffffff } }, 'vdi.layout'],
  ['has its data in its map', { header: { offset_data: mapOffset + 63 } }, 'vdi.layout'],
  ['has its data in its header', { header: { offset_data: 0 } }, 'vdi.layout'],
  ['has its data past its end', { header: { offset_data: 0xfffffe00 } }, 'vdi.truncated'],

  // Its entries.
  ['keeps a block past its end', { map: [3] }, 'vdi.truncated'],
  ['keeps a block at 2^32 - 3', { map: [0xfffffffd] }, 'vdi.truncated'],
  ['keeps two blocks in one place', { map: [1, 0, 1] }, 'vdi.overlap'],
  ['keeps all blocks in one place', { map: Array.from({ length: 16 }, () => 2) }, 'vdi.overlap'],
];

for (const [what, parts, check] of hostile) {
  test(`refuses a VDI that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(buildVdi(parts))), check);
  });
}

test('names the remedy for a differencing image', async () => {
  await assert.rejects(openDisk(new MemorySource(buildVdi({ header: { image_type: 4 } }))), {
    remedy: /where its parent is: VBoxManage clonemedium disk FILE/,
  });
});

test('does not look at map entries beyond the end of the disk', async () => {
  const { bytes } = await readDisk(new MemorySource(buildVdi({ map: [0, 0, 99], header: { disk_size: blockBytes } })));
  assert.deepEqual(bytes, blockPattern(0));
});

test('refuses a VDI at every length it can be cut to', async () => {
  const whole = buildVdi();
  for (let length = 68; length < whole.length; length++) {
    const check = length < dataOffset && length >= 456 ? /vdi.layout|vdi.truncated/ : /vdi.truncated/;
    assert.match((await refusalOf(new MemorySource(whole.subarray(0, length)))) ?? 'read', check, `cut to ${length}`);
  }
});

test('refuses a map of 4 million entries within 64 MiB and 1 s of CPU', async () => {
  // A disk of 4 TiB in blocks of 1 MiB: the largest there is. No entry but the last is that of another, and none is in order.
  const entries = 4 * 2 ** 20;
  const mapEnd = mapOffset + entries * 4;
  const head = buildVdi({
    header: {
      disk_size: entries * 2 ** 20,
      block_size: 2 ** 20,
      blocks_in_image: entries,
      blocks_allocated: entries,
      offset_data: mapEnd,
    },
  }).subarray(0, mapOffset);
  let longestRead = 0;
  const source = {
    sizeBytes: mapEnd + entries * 2 ** 20,
    async read(offset: number, length: number) {
      longestRead = Math.max(longestRead, length);
      const bytes = Buffer.alloc(length);
      if (offset < mapOffset) head.copy(bytes, 0, offset);
      for (let at = Math.max(offset, mapOffset); at < offset + length && at < mapEnd; at += 4) {
        bytes.writeUInt32LE((((at - mapOffset) / 4) % (entries - 1)) ^ 0x155555, at - offset);
      }
      return bytes;
    },
    async [Symbol.asyncDispose]() {},
  };
  const started = process.cpuUsage();
  await assert.rejects(openDisk(source), { check: 'vdi.overlap' });
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`);
  assert.ok(longestRead <= 2 ** 20, `${longestRead} bytes in a read`);
});

test('reads or refuses whatever a VDI is turned into, and never fails in another way', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.nat(2 ** 31)), async (seed) => {
      const file = mutateVdi(seededRng(seed));
      try {
        const { map } = await openDisk(new MemorySource(file));
        for (const offset of new Set([0, Math.max(0, map.sizeBytes - maxRunsLength)])) {
          let end = offset;
          for (const run of await map.runs(offset, Math.min(maxRunsLength, map.sizeBytes - offset))) {
            assert.ok(run.offset >= end && run.length > 0 && run.offset + run.length <= map.sizeBytes);
            assert.ok(run.kind === 'zero' || run.fileOffset + run.fileLength <= file.length);
            end = run.offset + run.length;
          }
        }
        read++;
      } catch (failure) {
        if (!(failure instanceof ImageRefused)) throw failure;
      }
    }),
    { numRuns: 3000 },
  );
  // Mutations that are all refused at the door would test nothing behind it.
  assert.ok(read > 300, `${read} were read`);
});
