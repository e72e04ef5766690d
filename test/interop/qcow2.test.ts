import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Qcow2Report } from '../../src/formats/disk-report.ts';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import {
  noise,
  prose,
  qemuGuestBytes,
  qemuImg,
  qemuIo,
  temporaryFolder,
  withoutQemu,
  writeSparse,
} from '../fixtures/qemu.ts';
import { readDisk } from '../fixtures/read-disk.ts';

const MiB = 2 ** 20;

/** A disk of noise, text, zeros and a last sector, not a whole number of clusters of any size above 512 bytes. */
const diskBytes = 5 * MiB + 1536;
const disk = Buffer.alloc(diskBytes);
disk.set(noise(700_000, 1), 0);
disk.set(prose(900_000, 2), MiB);
disk.set(noise(3000, 3), 3 * MiB + 4096);
disk.set(prose(512, 4), diskBytes - 512);

const clusterSizes = [512, 1024, 4096, 65536, MiB, 2 * MiB];

/** Options of `qemu-img convert`, and what the report must say. */
const variants: [string[], Partial<Qcow2Report>][] = [
  ...clusterSizes.flatMap((clusterBytes): [string[], Partial<Qcow2Report>][] => [
    [['-o', `cluster_size=${clusterBytes}`], { clusterBytes, version: 3 }],
    [['-c', '-o', `cluster_size=${clusterBytes}`], { clusterBytes, compression: 'zlib' }],
    [['-c', '-o', `cluster_size=${clusterBytes},compression_type=zstd`], { clusterBytes, compression: 'zstd' }],
    [['-o', `cluster_size=${clusterBytes},compat=0.10`], { clusterBytes, version: 2 }],
  ]),
  ...[16384, 65536, 2 * MiB].flatMap((clusterBytes): [string[], Partial<Qcow2Report>][] => [
    [['-o', `cluster_size=${clusterBytes},extended_l2=on`], { clusterBytes, extendedL2: true }],
    [['-c', '-o', `cluster_size=${clusterBytes},extended_l2=on,compression_type=zstd`], { extendedL2: true }],
  ]),
  ...['metadata', 'falloc', 'full'].flatMap((preallocation): [string[], Partial<Qcow2Report>][] => [
    [['-o', `preallocation=${preallocation}`], {}],
    [['-o', `preallocation=${preallocation},extended_l2=on`], { extendedL2: true }],
    [['-o', `preallocation=${preallocation},compat=0.10,cluster_size=4096`], { version: 2 }],
  ]),
  [['-c', '-o', 'compat=0.10'], { version: 2, compression: 'zlib' }],
  [['-o', 'lazy_refcounts=on'], { lazyRefcounts: true }],
  [['-o', 'refcount_bits=1'], { refcountBits: 1 }],
  [['-o', 'refcount_bits=64'], { refcountBits: 64 }],
  [['-S', '0'], {}],
];

describe('qcow2 as qemu-img writes it', { skip: withoutQemu }, () => {
  for (const [options, expected] of variants) {
    test(`reads convert ${options.join(' ')}`, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.path('disk.raw'), disk);
      await qemuImg(
        'convert',
        '-f',
        'raw',
        '-O',
        'qcow2',
        ...options,
        folder.path('disk.raw'),
        folder.path('disk.qcow2'),
      );
      await using source = await openFileSource(folder.path('disk.qcow2'));
      const { bytes, report } = await readDisk(source);
      assert.ok(bytes.equals(disk));
      assert.deepEqual({ ...report, ...expected }, report);
    });
  }

  test('reads nothing but holes from an empty disk of 1 TiB', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('empty.qcow2');
    await qemuImg('create', '-f', 'qcow2', image, '1T');
    await using source = await openFileSource(image);
    const { map } = await openDisk(source);
    await using device = createMappedDevice(source, map);
    assert.deepEqual(await Array.fromAsync(device.extents(0, 2 ** 30)), [{ kind: 'hole', offset: 0, length: 2 ** 30 }]);
    assert.equal(device.sizeBytes, 2 ** 40);
  });

  for (const options of ['cluster_size=65536', 'cluster_size=2M', 'cluster_size=65536,extended_l2=on']) {
    test(`reads data far apart on a disk of 1 TiB (${options})`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('wide.qcow2');
      const rewritten = folder.path('wide.raw');
      const places = [0, 2 ** 31 - 4096, 2 ** 32 - 512, 3 * 2 ** 38 + 1024, 2 ** 40 - 8192];
      await qemuImg('create', '-f', 'qcow2', '-o', options, image, '1T');
      await qemuIo(
        image,
        [...places.entries()].map(([i, place]) => `write -P ${i + 1} ${place} 8k`),
      );
      await using source = await openFileSource(image);
      const { map } = await openDisk(source);
      await using device = createMappedDevice(source, map);
      const parts: [number, Uint8Array][] = [];
      // Whole calls of the map around each place: they find what was written there, and nothing else.
      const windows = new Set(
        places.flatMap((place) => [place, place + 8191]).map((at) => Math.floor(at / (64 * MiB))),
      );
      for (const window of windows) {
        for (const run of await map.runs(window * 64 * MiB, 64 * MiB)) {
          const bytes = new Uint8Array(run.length);
          await device.readAt(bytes, run.offset);
          parts.push([run.offset, bytes]);
        }
      }
      await writeSparse(rewritten, 2 ** 40, parts);
      // Fails (exit status 1) where the contents differ.
      await qemuImg('compare', '-f', 'raw', '-F', 'qcow2', rewritten, image);
    });
  }

  test('reads a file that is larger than 2 GiB, at its far end', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('large.qcow2');
    // The tables of a preallocated disk say where every cluster will be; the file is sparse.
    await qemuImg('create', '-f', 'qcow2', '-o', 'preallocation=metadata', image, '6G');
    await qemuIo(image, ['write -P 7 5G 100k', `write -P 8 ${6 * 2 ** 30 - 512} 512`]);
    await using source = await openFileSource(image);
    assert.ok(source.sizeBytes > 5 * 2 ** 30);
    const { map } = await openDisk(source);
    await using device = createMappedDevice(source, map);
    const bytes = Buffer.alloc(100 * 1024 + 512);
    await device.readAt(bytes, 5 * 2 ** 30 - 512);
    assert.deepEqual(bytes, Buffer.concat([Buffer.alloc(512), Buffer.alloc(100 * 1024, 7)]));
    await device.readAt(bytes.subarray(0, 1024), 6 * 2 ** 30 - 1024);
    assert.deepEqual(bytes.subarray(0, 1024), Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 8)]));
  });

  test('reads the active state of a disk with internal snapshots', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('snapshots.qcow2');
    await qemuImg('create', '-f', 'qcow2', image, '4M');
    await qemuIo(image, ['write -P 1 0 1M']);
    await qemuImg('snapshot', '-c', 'before', image);
    await qemuIo(image, ['write -P 2 512k 1M', 'write -z 0 64k']);
    await qemuImg('snapshot', '-c', 'after', image);
    await qemuIo(image, ['write -P 3 3M 512']);
    await using source = await openFileSource(image);
    const { bytes, report } = await readDisk(source);
    assert.ok(bytes.equals(await qemuGuestBytes(image)));
    assert.ok(report.format === 'qcow2' && report.internalSnapshots === 2);
    assert.match(report.notes.join(), /2 internal snapshots were left behind/);
  });

  test('reads a disk with a bitmap, and one that was resized', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('bitmap.qcow2');
    await qemuImg('create', '-f', 'qcow2', image, '4M');
    await qemuIo(image, ['write -P 1 1M 1M']);
    await qemuImg('bitmap', '--add', image, 'dirty');
    await qemuImg('resize', image, '9M');
    await qemuIo(image, ['write -P 2 8M 1M']);
    await using source = await openFileSource(image);
    const { bytes, report } = await readDisk(source);
    assert.ok(bytes.equals(await qemuGuestBytes(image)));
    assert.ok(report.format === 'qcow2' && report.bitmaps === 1);
  });
});

/** Numbers below `limit`, the same for every seed. */
function dice(seed: number): (limit: number) => number {
  const rolls = new Uint32Array(new Uint8Array(noise(4096, seed)).buffer);
  let next = 0;
  return (limit) => (rolls[next++ % rolls.length] ?? 0) % limit;
}

const histories = [
  'cluster_size=512',
  'cluster_size=4096',
  'cluster_size=65536',
  'cluster_size=4096,compression_type=zstd',
  'cluster_size=16384,extended_l2=on',
  'cluster_size=65536,extended_l2=on,compression_type=zstd',
  'cluster_size=4096,compat=0.10',
  'cluster_size=65536,lazy_refcounts=on',
];

describe('qcow2 after a life of writes', { skip: withoutQemu }, () => {
  for (const [seed, options] of histories.entries()) {
    test(`reads ${options}: writes, compressed writes, zeros and discards`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('life.qcow2');
      const clusterBytes = Number(/cluster_size=(\d+)/.exec(options)?.[1]);
      const sectors = 4096;
      const clusters = (sectors * 512) / clusterBytes;
      const roll = dice(seed + 1);
      await qemuImg('create', '-f', 'qcow2', '-o', options, image, String(sectors * 512));
      const commands = Array.from({ length: 60 }, () => {
        const sector = roll(sectors);
        const range = `${sector * 512} ${(1 + roll(Math.min(200, sectors - sector))) * 512}`;
        const value = 1 + roll(255);
        const cluster = `${roll(clusters) * clusterBytes} ${clusterBytes}`;
        return (
          [
            `write -P ${value} ${range}`,
            `write -P ${value} ${range}`,
            `write -c -P ${value} ${cluster}`,
            `write -z ${range}`,
            `write -z -u ${range}`,
            `discard ${range}`,
          ][roll(6)] ?? ''
        );
      });
      // A compressed write onto a cluster that is allocated fails, as it should; the others go on.
      await qemuIo(image, commands).catch((failure: unknown) => assert.match(String(failure), /failed/));

      await using source = await openFileSource(image);
      const { bytes, map } = await readDisk(source);
      assert.ok(bytes.equals(await qemuGuestBytes(image)));

      await using device = createMappedDevice(source, map);
      assert.deepEqual(await Array.fromAsync(device.extents(0, map.sizeBytes)), await qemuExtents(image));

      for (let i = 0; i < 100; i++) {
        const offset = roll(map.sizeBytes);
        const part = Buffer.alloc(roll(Math.min(200_000, map.sizeBytes - offset)), 0xaa);
        await device.readAt(part, offset);
        assert.ok(part.equals(bytes.subarray(offset, offset + part.length)), `${part.length} bytes at ${offset}`);
      }
    });
  }
});

/** The extents as qemu-img sees them, merged by kind. */
async function qemuExtents(image: string): Promise<{ kind: string; offset: number; length: number }[]> {
  const found: unknown = JSON.parse(await qemuImg('map', '--output=json', image));
  assert.ok(Array.isArray(found));
  const extents: { kind: string; offset: number; length: number }[] = [];
  for (const { start, length, present, zero } of found) {
    const kind = !present ? 'hole' : zero ? 'zero' : 'data';
    const last = extents.at(-1);
    if (last?.kind === kind) last.length += length;
    else extents.push({ kind, offset: start, length });
  }
  return extents;
}

describe('qcow2 that was cut short', { skip: withoutQemu }, () => {
  for (const options of ['cluster_size=4096', 'cluster_size=16384,extended_l2=on,compression_type=zstd']) {
    test(`is refused or read right, wherever it was cut (${options})`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('whole.qcow2');
      await qemuImg('create', '-f', 'qcow2', '-o', options, image, '300k');
      await qemuIo(image, [
        'write -P 1 0 40k',
        'write -c -P 2 64k 16k',
        'write -c -P 3 80k 16k',
        'write -P 4 128k 512',
        'write -c -P 5 160k 16k',
      ]);
      const guest = await qemuGuestBytes(image);
      const whole = await readFile(image);
      let refused = 0;
      const cuts = new Set(Array.from({ length: 150 }, (_, i) => Math.floor((whole.length * (i + 1)) / 151)));
      for (let border = 4096; border < whole.length; border += 4096)
        cuts
          .add(border - 1)
          .add(border)
          .add(border + 1);
      for (let last = 1; last <= 20; last++) cuts.add(whole.length - last);
      for (const cut of cuts) {
        const path = folder.path('cut.qcow2');
        await copyFile(image, path);
        await writeFile(path, whole.subarray(0, cut));
        await using source = await openFileSource(path);
        const bytes = await readDisk(source).then(
          (disk) => disk.bytes,
          (failure: unknown) => assert.ok(failure instanceof Error && failure.name === 'ImageRefused', String(failure)),
        );
        if (bytes === undefined) refused++;
        else assert.ok(bytes.equals(guest), `cut to ${cut} of ${whole.length} bytes`);
      }
      assert.ok(refused > cuts.size / 2, `${refused} of ${cuts.size} were refused`);
    });
  }
});
