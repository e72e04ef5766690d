import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { VmdkReport } from '../../src/formats/disk-report.ts';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, prose, qemuGuestBytes, qemuImg, qemuIo, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { readDisk, refusalOf } from '../fixtures/read-disk.ts';
import { buildStreamVmdk, descriptorText, entriesPerTable, grainPattern } from '../fixtures/vmdk-builder.ts';

const MiB = 2 ** 20;

/** Less than a grain; not a whole number of grains; more than two grain tables and a segment of the store. */
const disks = [1536, 5 * MiB + 1536, 70 * MiB + 512].map((sizeBytes) => {
  const disk = Buffer.alloc(sizeBytes);
  disk.set(noise(Math.min(700_000, sizeBytes), 1), 0);
  if (sizeBytes > MiB) {
    disk.set(prose(900_000, 2), MiB);
    disk.set(noise(3000, 3), 3 * MiB + 4096);
    disk.set(noise(300_000, 5), sizeBytes - 2 * MiB);
  }
  disk.set(prose(512, 4), sizeBytes - 512);
  return disk;
});

const variant = (options: string, report: Partial<VmdkReport>): [string, Partial<VmdkReport>] => [options, report];

/** Options of `qemu-img convert`, and what the report must say. */
const variants: [string, Partial<VmdkReport>][] = [
  ...(['monolithicSparse', 'streamOptimized'] as const).flatMap((subformat) => [
    variant(`subformat=${subformat}`, { variant: subformat, grainBytes: 65536, redundantTables: true }),
    ...['ide', 'buslogic', 'lsilogic', 'legacyESX'].map((adapterType) =>
      variant(`subformat=${subformat},adapter_type=${adapterType}`, { variant: subformat, adapterType }),
    ),
    ...['4', '10', '21'].map((hardwareVersion) =>
      variant(`subformat=${subformat},hwversion=${hardwareVersion}`, { variant: subformat, hardwareVersion }),
    ),
    variant(`subformat=${subformat},compat6=on`, { variant: subformat, hardwareVersion: '6' }),
    variant(`subformat=${subformat},zeroed_grain=on`, { variant: subformat, zeroedGrains: true }),
    variant(`subformat=${subformat},toolsversion=12345`, { variant: subformat }),
  ]),
];

describe('VMDK as qemu-img writes it', { skip: withoutQemu }, () => {
  for (const [options, expected] of variants) {
    test(`reads convert -o ${options}, of three sizes`, async () => {
      await using folder = await temporaryFolder();
      const [raw, image] = [folder.path('disk.raw'), folder.path('disk.vmdk')];
      // The largest shows what the options do not change: once for each kind is enough.
      for (const disk of options.includes(',') ? disks.slice(0, 2) : disks) {
        await writeFile(raw, disk);
        await qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', options, raw, image);
        await using source = await openFileSource(image);
        const { bytes, report } = await readDisk(source);
        assert.ok(bytes.equals(disk));
        assert.ok(bytes.equals(await qemuGuestBytes(image)));
        assert.deepEqual({ ...report, ...expected }, report);
      }
    });
  }

  test('reads what was written, overwritten and zeroed in place', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('written.vmdk');
    await qemuImg('create', '-f', 'vmdk', '-o', 'zeroed_grain=on', image, '100M');
    await qemuIo(image, ['write -P 1 1M 1M', 'write -P 2 90M 5000', 'write -P 3 512 512']);
    // Each of these gives the file a new CID, which QEMU writes into the descriptor's text.
    for (let i = 0; i < 8; i++) await qemuIo(image, [`write -P ${i + 4} ${i * 7}M 100k`]);
    await qemuIo(image, ['write -z 1M 512k', 'write -z 64M 1M']);
    await using source = await openFileSource(image);
    const { bytes, map } = await readDisk(source);
    assert.ok(bytes.equals(await qemuGuestBytes(image)));
    const kinds = (await map.runs(0, 64 * MiB)).map(({ kind }) => kind);
    assert.ok(kinds.includes('zero') && kinds.includes('data'));
  });

  test('reads data far apart on a disk of 1 TiB', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('wide.vmdk');
    const places = [0, 2 ** 31 - 4096, 2 ** 32 - 512, 3 * 2 ** 38 + 1024, 2 ** 40 - 8192];
    await qemuImg('create', '-f', 'vmdk', image, '1T');
    await qemuIo(
      image,
      [...places.entries()].map(([i, place]) => `write -P ${i + 1} ${place} 8k`),
    );
    await using source = await openFileSource(image);
    const { map } = await openDisk(source);
    await using device = createMappedDevice(source, map);
    for (const [i, place] of places.entries()) {
      // The grains about it: what was written, and zeros.
      const start = Math.floor(place / MiB) * MiB;
      const expected = Buffer.alloc(Math.min(2 * MiB, map.sizeBytes - start)).fill(
        i + 1,
        place - start,
        place - start + 8192,
      );
      const bytes = Buffer.alloc(expected.length);
      await device.readAt(bytes, start);
      assert.ok(bytes.equals(expected), `at ${place}`);
    }
  });

  test('refuses VMDKs of several files by each of their files', async () => {
    for (const subformat of ['monolithicFlat', 'twoGbMaxExtentFlat', 'twoGbMaxExtentSparse']) {
      await using folder = await temporaryFolder();
      await qemuImg('create', '-f', 'vmdk', '-o', `subformat=${subformat}`, folder.path('disk.vmdk'), '5M');
      await using source = await openFileSource(folder.path('disk.vmdk'));
      await assert.rejects(openDisk(source), { check: 'format.unsupported', message: new RegExp(subformat) });
      // What the remedy says is right.
      await qemuIo(folder.path('disk.vmdk'), ['write -P 5 1M 1M']);
      await qemuImg('convert', '-f', 'vmdk', '-O', 'qcow2', folder.path('disk.vmdk'), folder.path('disk.qcow2'));
      await using whole = await openFileSource(folder.path('disk.qcow2'));
      assert.ok((await readDisk(whole)).bytes.equals(Buffer.alloc(5 * MiB).fill(5, MiB, 2 * MiB)));
      if (subformat !== 'twoGbMaxExtentSparse') continue;
      await using part = await openFileSource(folder.path('disk-s001.vmdk'));
      assert.equal(await refusalOf(part), 'vmdk.no-descriptor');
    }
  });

  test('refuses a layer on another file', async () => {
    await using folder = await temporaryFolder();
    const [base, layer] = [folder.path('base.vmdk'), folder.path('layer.vmdk')];
    await qemuImg('create', '-f', 'vmdk', base, '5M');
    await qemuImg('create', '-f', 'vmdk', '-b', base, '-F', 'vmdk', layer);
    await using source = await openFileSource(layer);
    assert.equal(await refusalOf(source), 'vmdk.parent');
  });
});

/** No program on a test machine writes these: that QEMU reads the same shows that the builder writes them rightly. */
describe('VMDK streams with a footer', { skip: withoutQemu }, () => {
  for (const [who, tablesTogether] of [
    ['ovftool and VirtualBox', false],
    ['Xen Orchestra', true],
  ] as const) {
    test(`reads what qemu-img reads, in the order of ${who}`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('stream.vmdk');
      const capacity = 3 * entriesPerTable * 8 + 40;
      const places = [0, 1, 77, entriesPerTable, 3 * entriesPerTable + 4];
      const grains = places.map((index) => [index, grainPattern(index)] as const);
      await writeFile(image, buildStreamVmdk({ capacity, grains, tablesTogether }));
      await using source = await openFileSource(image);
      assert.ok((await readDisk(source)).bytes.equals(await qemuGuestBytes(image)));
    });
  }

  test("ends the disk where the descriptor does, and qemu-img with the last grain of VirtualBox's header", async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('stream.vmdk');
    const extent = 'RW 510 SPARSE "disk.vmdk"';
    await writeFile(image, buildStreamVmdk({ descriptor: descriptorText({ type: 'streamOptimized', extent }) }));
    await using source = await openFileSource(image);
    const { bytes } = await readDisk(source);
    const theirs = await qemuGuestBytes(image);
    assert.deepEqual([bytes.length, theirs.length], [510 * 512, 512 * 512]);
    assert.ok(theirs.equals(Buffer.concat([bytes, Buffer.alloc(2 * 512)])));
  });
});
