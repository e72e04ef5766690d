import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { VhdReport } from '../../src/formats/disk-report.ts';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, prose, qemuImg, qemuIo, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { readDisk, refusalOf } from '../fixtures/read-disk.ts';
import { buildVhd, guestBytes } from '../fixtures/vhd-builder.ts';

const MiB = 2 ** 20;

/** Less than a block, some blocks and a part of one, and more than a call of the map answers for. */
const sizes = [512, 5 * MiB + 1536, 67 * MiB];

/** Noise, text and zeros, with something in the last sector. */
function diskOf(sizeBytes: number): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  noise(Math.min(sizeBytes, 700_000), 1).copy(disk);
  prose(900_000, 2).copy(disk, 3 * MiB);
  prose(300_000, 3).copy(disk, sizeBytes - MiB < 0 ? sizeBytes : sizeBytes - MiB);
  noise(512, 4).copy(disk, sizeBytes - 512);
  return disk;
}

/** The guest bytes as qemu-img reads them when it is told the format: by itself it takes a fixed VHD for a raw disk. */
async function qemuVhdBytes(image: string): Promise<Buffer> {
  await using folder = await temporaryFolder();
  await qemuImg('convert', '-f', 'vpc', '-O', 'raw', image, folder.path('guest.raw'));
  return await readFile(folder.path('guest.raw'));
}

describe('VHD as qemu-img writes it', { skip: withoutQemu }, () => {
  for (const sizeBytes of sizes) {
    for (const variant of ['dynamic', 'fixed'] as const) {
      for (const [forceSize, creator, sizeFrom] of [
        ['on', 'qem2', 'current-size'],
        ['off', 'qemu', 'geometry'],
      ] as const) {
        test(`reads ${variant}, force_size=${forceSize}, ${sizeBytes} bytes`, async () => {
          await using folder = await temporaryFolder();
          const disk = diskOf(sizeBytes);
          const image = folder.path('disk.vhd');
          await writeFile(folder.path('disk.raw'), disk);
          const options = `subformat=${variant},force_size=${forceSize}`;
          await qemuImg('convert', '-f', 'raw', '-O', 'vpc', '-o', options, folder.path('disk.raw'), image);
          await using source = await openFileSource(image);
          const { bytes, report } = await readDisk(source);
          assert.ok(bytes.equals(await qemuVhdBytes(image)));
          assert.ok(bytes.subarray(0, sizeBytes).equals(disk));
          const expected: Partial<VhdReport> = { variant, creator, sizeFrom, notes: [] };
          assert.deepEqual({ ...report, ...expected }, report);
          if (forceSize === 'on') assert.equal(bytes.length, sizeBytes);
        });
      }
    }
  }

  test('reads a fixed VHD, which qemu-img takes for a raw disk that is a sector longer', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('disk.vhd');
    await qemuImg('create', '-f', 'vpc', '-o', 'subformat=fixed,force_size=on', image, '4M');
    await qemuIo(image, ['write -P 7 0 512']);
    const probed: unknown = JSON.parse(await qemuImg('info', '--output=json', image));
    assert.ok(probed !== null && typeof probed === 'object' && 'format' in probed && 'virtual-size' in probed);
    assert.deepEqual([probed.format, probed['virtual-size']], ['raw', 4 * MiB + 512]);
    await using source = await openFileSource(image);
    // The specification: the data of the disk, then the footer.
    const { bytes } = await readDisk(source);
    assert.deepEqual(bytes, (await readFile(image)).subarray(0, 4 * MiB));
  });

  test('reads data far apart on a disk of 2000 GiB', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('wide.vhd');
    const sizeBytes = 2000 * 2 ** 30;
    const places = [0, 2 ** 31 - 4096, 2 ** 32 - 512, 2 ** 40 + 1024, sizeBytes - 8192];
    await qemuImg('create', '-f', 'vpc', '-o', 'force_size=on', image, String(sizeBytes));
    await qemuIo(
      image,
      [...places.entries()].map(([i, place]) => `write -P ${i + 1} ${place} 8k`),
    );
    await using source = await openFileSource(image);
    const { map } = await openDisk(source);
    await using device = createMappedDevice(source, map);
    assert.equal(device.sizeBytes, sizeBytes);
    for (const [i, place] of places.entries()) {
      const start = Math.max(0, place - 4096);
      const bytes = Buffer.alloc(Math.min(16_384, sizeBytes - start));
      await device.readAt(bytes, start);
      const expected = Buffer.alloc(bytes.length).fill(i + 1, place - start, place - start + 8192);
      assert.deepEqual(bytes, expected);
    }
  });

  test('reads a disk after a life of writes', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('life.vhd');
    await qemuImg('create', '-f', 'vpc', '-o', 'force_size=on', image, '20M');
    await qemuIo(image, [
      'write -P 1 17M 3M',
      'write -P 2 1M 2M',
      'write -P 3 9M 512',
      'write -z 18M 1M',
      'write -P 4 19M 64k',
      'discard 1M 512k',
    ]);
    await using source = await openFileSource(image);
    assert.ok((await readDisk(source)).bytes.equals(await qemuVhdBytes(image)));
  });

  test('reads a sector whose bit is clear as zeros, where qemu-img reads what stands there', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('bits.vhd');
    await qemuImg('create', '-f', 'vpc', '-o', 'force_size=on', image, '4M');
    await qemuIo(image, ['write -P 9 0 64k']);
    const file = await readFile(image);
    const tableOffset = Number(file.readBigUInt64BE(512 + 16));
    // The bits of the first block's first 16 sectors: written, never written, and again.
    file[file.readUInt32BE(tableOffset) * 512 + 1] = 0;
    await writeFile(image, file);
    await using source = await openFileSource(image);
    const { bytes } = await readDisk(source);
    const theirs = await qemuVhdBytes(image);
    assert.deepEqual(theirs.subarray(0, 65536), Buffer.alloc(65536, 9));
    assert.deepEqual(bytes.subarray(0, 65536), Buffer.alloc(65536, 9).fill(0, 8 * 512, 16 * 512));
    assert.ok(bytes.subarray(65536).equals(theirs.subarray(65536)));
  });

  test('refuses a differencing disk, which qemu-img reads without its parent', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('child.vhd');
    await writeFile(image, buildVhd({ footer: { type: 4 } }));
    assert.equal((await qemuVhdBytes(image)).length, guestBytes);
    await using source = await openFileSource(image);
    assert.equal(await refusalOf(source), 'vhd.differencing');
  });
});
