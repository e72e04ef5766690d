import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { VdiReport } from '../../src/formats/disk-report.ts';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, prose, qemuGuestBytes, qemuImg, qemuIo, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { readDisk } from '../fixtures/read-disk.ts';
import { buildVdi } from '../fixtures/vdi-builder.ts';

const MiB = 2 ** 20;

/** Less than a block, some blocks and a part of one, and more than a call of the map answers for. */
const sizes = [512, 5 * MiB + 1536, 67 * MiB];

/** Noise, text and zeros, with something in the last sector. */
function diskOf(sizeBytes: number): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  noise(Math.min(sizeBytes, 700_000), 1).copy(disk);
  prose(900_000, 2).copy(disk, Math.min(sizeBytes, 3 * MiB));
  noise(512, 3).copy(disk, sizeBytes - 512);
  return disk;
}

describe('VDI as qemu-img writes it', { skip: withoutQemu }, () => {
  for (const sizeBytes of sizes) {
    for (const [options, variant] of [
      ['static=off', 'dynamic'],
      ['static=on', 'fixed'],
    ] as const) {
      test(`reads ${options}, ${sizeBytes} bytes`, async () => {
        await using folder = await temporaryFolder();
        const disk = diskOf(sizeBytes);
        const image = folder.path('disk.vdi');
        await writeFile(folder.path('disk.raw'), disk);
        await qemuImg('convert', '-f', 'raw', '-O', 'vdi', '-o', options, folder.path('disk.raw'), image);
        await using source = await openFileSource(image);
        const { bytes, report } = await readDisk(source);
        assert.ok(bytes.equals(disk));
        assert.ok(bytes.equals(await qemuGuestBytes(image)));
        const expected: Partial<VdiReport> = {
          variant,
          creator: 'QEMU VM Virtual Disk Image',
          blockBytes: MiB,
          guestBytes: sizeBytes,
          notes: [],
        };
        assert.deepEqual({ ...report, ...expected }, report);
      });
    }
  }

  test('reads a disk after a life of writes', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('life.vdi');
    await qemuImg('create', '-f', 'vdi', image, '20M');
    await qemuIo(image, [
      'write -P 1 17M 3M',
      'write -P 2 1M 2M',
      'write -P 3 9M 512',
      'write -z 18M 1M',
      'discard 1M 1M',
    ]);
    await using source = await openFileSource(image);
    assert.ok((await readDisk(source)).bytes.equals(await qemuGuestBytes(image)));
  });

  test('reads data far apart on a disk of 4 TiB', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('wide.vdi');
    const sizeBytes = 4 * 2 ** 40;
    const places = [0, 2 ** 31 - 4096, 2 ** 32 - 512, 2 ** 41 + 1024, sizeBytes - 8192];
    await qemuImg('create', '-f', 'vdi', image, String(sizeBytes));
    await qemuIo(
      image,
      [...places.entries()].map(([i, place]) => `write -P ${i + 1} ${place} 8k`),
    );
    await using source = await openFileSource(image);
    const { map } = await openDisk(source);
    await using device = createMappedDevice(source, map);
    for (const [i, place] of places.entries()) {
      const start = Math.max(0, place - 4096);
      const bytes = Buffer.alloc(Math.min(16_384, sizeBytes - start));
      await device.readAt(bytes, start);
      assert.deepEqual(bytes, Buffer.alloc(bytes.length).fill(i + 1, place - start, place - start + 8192));
    }
  });

  test('reads discarded blocks and an odd size as qemu-img does', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('odd.vdi');
    const blocks = [1, 2, 3].map((value) => Buffer.alloc(MiB, value).fill(0, MiB - 512));
    // As VBoxManage convertfromraw makes it of a file that is not whole sectors, with zeros behind its end.
    const file = buildVdi({
      header: { block_size: MiB, blocks_in_image: 5, blocks_allocated: 3, disk_size: 5 * MiB - 100 },
      map: [2, 0xfffffffe, 0, 0xffffffff, 1],
      blocks: [],
    });
    await writeFile(image, Buffer.concat([file, ...blocks]));
    await using source = await openFileSource(image);
    const { bytes } = await readDisk(source);
    assert.equal(bytes.length, 5 * MiB);
    assert.ok(bytes.equals(await qemuGuestBytes(image)));
  });

  test('reads the whole of a disk whose last block the file does not hold whole', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('short.vdi');
    await qemuImg('create', '-f', 'vdi', image, String(2 * MiB + 4096));
    await qemuIo(image, ['write -P 1 0 1M', `write -P 2 ${2 * MiB} 4k`]);
    const whole = await readFile(image);
    const guest = await qemuGuestBytes(image);
    await writeFile(image, whole.subarray(0, whole.length - MiB + 4096));
    await using source = await openFileSource(image);
    assert.ok((await readDisk(source)).bytes.equals(guest));
  });
});
