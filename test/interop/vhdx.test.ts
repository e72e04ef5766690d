import assert from 'node:assert/strict';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { VhdxReport } from '../../src/formats/disk-report.ts';
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
import { below, pick, seededRng } from '../fixtures/random-choice.ts';
import { readDisk } from '../fixtures/read-disk.ts';
import {
  batEntry,
  batOffset,
  blockOffset,
  buildVhdx,
  long,
  sector,
  type VhdxLogEntry,
} from '../fixtures/vhdx-builder.ts';

const MiB = 2 ** 20;

/** A disk of noise, text and zeros with its last sector written. */
function diskOf(sizeBytes: number): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  disk.set(noise(Math.min(sizeBytes, 700_000), 1), 0);
  if (sizeBytes > 5 * MiB) {
    disk.set(prose(900_000, 2), 3 * MiB - 1000);
    disk.set(prose(512, 4), sizeBytes - 512);
  }
  return disk;
}

/** One sector, a disk that no block size divides, and one larger than most blocks. */
const small = diskOf(512);
const odd = diskOf(9 * MiB + 1536);
const large = diskOf(40 * MiB);

/** Options of `qemu-img convert`, the disk, and what the report must say. */
const variants: [string, Buffer, Partial<VhdxReport>][] = [
  ...[small, odd, large].flatMap((disk): [string, Buffer, Partial<VhdxReport>][] => [
    ['subformat=dynamic', disk, { variant: 'dynamic' }],
    ['subformat=fixed', disk, { variant: 'fixed' }],
  ]),
  ...[1, 2, 4, 8, 16, 32, 64, 128, 256].map((size): [string, Buffer, Partial<VhdxReport>] => [
    `subformat=dynamic,block_size=${size}M`,
    size === 1 || size === 8 ? odd : large,
    { blockBytes: size * MiB },
  ]),
  ['subformat=fixed,block_size=1M', odd, { variant: 'fixed', blockBytes: MiB }],
  ['subformat=fixed,block_size=64M', odd, { variant: 'fixed', blockBytes: 64 * MiB }],
  ['subformat=dynamic,block_state_zero=off,block_size=1M', odd, {}],
  ['subformat=dynamic,block_state_zero=on,block_size=1M', odd, {}],
  ['subformat=dynamic,log_size=1M', odd, {}],
  ['subformat=dynamic,log_size=8M', odd, {}],
  ['subformat=fixed,log_size=64M', odd, {}],
];

describe('VHDX as qemu-img writes it', { skip: withoutQemu }, () => {
  for (const [options, disk, expected] of variants) {
    test(`reads convert -o ${options} of ${disk.length} bytes`, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.path('disk.raw'), disk);
      await qemuImg(
        ...['convert', '-f', 'raw', '-O', 'vhdx', '-o', options],
        ...[folder.path('disk.raw'), folder.path('disk.vhdx')],
      );
      await using source = await openFileSource(folder.path('disk.vhdx'));
      const { bytes, report } = await readDisk(source);
      assert.ok(bytes.equals(disk));
      assert.deepEqual({ ...report, ...expected }, report);
      assert.ok(report.format === 'vhdx');
      assert.match(report.creator, /^QEMU v/);
      assert.equal(report.replayedLogEntries, 0);
    });
  }

  for (const size of ['4T', '1T', '127G']) {
    test(`reads data far apart on a disk of ${size}`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('wide.vhdx');
      await qemuImg('create', '-f', 'vhdx', '-o', 'block_size=1M', image, size);
      await using empty = await openFileSource(image);
      const { sizeBytes } = (await openDisk(empty)).map;
      // One across the first sector bitmap's entry, 4096 blocks in, and the disk's last sector but one.
      const places = [MiB, 4096 * MiB - 4096, sizeBytes / 2 + 1024, sizeBytes - 8192 - 512];
      await qemuIo(
        image,
        [...places.entries()].map(([i, place]) => `write -P ${i + 1} ${place} 8k`),
      );
      await using source = await openFileSource(image);
      const { map } = await openDisk(source);
      await using device = createMappedDevice(source, map);
      for (const [i, place] of places.entries()) {
        const found = Buffer.alloc(512 + 8192 + 512);
        await device.readAt(found, place - 512);
        assert.deepEqual(found, Buffer.concat([Buffer.alloc(512), Buffer.alloc(8192, i + 1), Buffer.alloc(512)]));
      }
    });
  }

  for (const seed of [1, 2, 3]) {
    test(`reads a disk after a life of writes (${seed})`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('life.vhdx');
      const sectors = 24 * 2048 - 1;
      await qemuImg('create', '-f', 'vhdx', '-o', 'block_size=1M', image, String(sectors * 512));
      const chance = seededRng(seed);
      // Block 0 first: QEMU before 8.0.1 shifts the table when it writes its first entry after others (its issue 727).
      const commands = Array.from({ length: 40 }, (_, i) => {
        const first = i === 0 ? 0 : below(chance, sectors);
        const length = 1 + below(chance, Math.min(3000, sectors - first));
        return `write ${chance() < 0.2 ? '-z' : `-P ${1 + below(chance, 255)}`} ${first * 512} ${length * 512}`;
      });
      await qemuIo(image, commands);
      await using source = await openFileSource(image);
      assert.ok((await readDisk(source)).bytes.equals(await qemuGuestBytes(image)));
    });
  }
});

const tableSector = (...entries: bigint[]) => Buffer.concat([long(...entries)], sector);

/**
 * Logs that were not written to their places; QEMU replays a log before it repairs. Not all logs: of a sequence that goes
 * around the end of the ring QEMU (7.2) takes only what is behind it, for it does not look at the tail, and an entry of
 * more descriptors than fit in its first sector (126) it reads into one sector's memory and refuses.
 */
const dirtyLogs: [string, readonly VhdxLogEntry[]][] = [
  [
    'of one entry',
    [
      {
        sector: 0,
        sequence: 1n,
        writes: [{ offset: batOffset, data: tableSector(batEntry(blockOffset(2)), 0n, batEntry(blockOffset(0))) }],
      },
    ],
  ],
  [
    'of an entry that goes around the end of the ring',
    [
      {
        sector: 254,
        sequence: 2n ** 33n,
        writes: [
          { offset: blockOffset(0), data: Buffer.alloc(sector, 'first; ') },
          { offset: blockOffset(0) + sector, data: Buffer.alloc(sector, 'second; ') },
          { offset: blockOffset(1), data: sector },
        ],
      },
    ],
  ],
  [
    'of two entries, each full of descriptors',
    [1n, 2n].map((sequence, index) => ({
      sector: 3 + index * 85,
      sequence,
      writes: Array.from({ length: 126 }, (_, i) => ({
        offset: blockOffset(1) + (i + index * 50) * sector,
        data: i % 3 === 0 ? sector : Buffer.alloc(sector, `sector ${index}.${i}; `),
      })),
      fields: { Tail: 3 * sector },
    })),
  ],
  [
    'with a newer entry that is torn',
    [
      { sector: 0, sequence: 4n, writes: [{ offset: blockOffset(0), data: Buffer.alloc(sector, 'whole; ') }] },
      {
        sector: 2,
        sequence: 5n,
        writes: [{ offset: blockOffset(0), data: Buffer.alloc(sector, 'torn; ') }],
        fields: { Tail: 0, Checksum: 1 },
      },
    ],
  ],
];

/** A log of entries that follow each other from some sector on: new tables, data and zeros, over each other. */
function anyLog(seed: number): VhdxLogEntry[] {
  const chance = seededRng(seed);
  const place = () => blockOffset(below(chance, 3)) + below(chance, 6) * sector;
  const bat = () => {
    const blocks = [0, 1, 2].toSorted(() => chance() - 0.5);
    return tableSector(...blocks.map((block) => pick(chance, [batEntry(blockOffset(block)), 0n, 2n])));
  };
  const log: VhdxLogEntry[] = [];
  const first = below(chance, 150);
  for (let index = 0, at = first; index < 6; index++) {
    const writes = Array.from({ length: below(chance, 10) }, (_, i) =>
      pick(chance, [
        { offset: place(), data: Buffer.alloc(sector, `entry ${index}, write ${i}; `) },
        { offset: place(), data: sector * (1 + below(chance, 5)) },
        { offset: batOffset, data: bat() },
      ]),
    );
    log.push({ sector: at, sequence: BigInt(seed * 1000 + index), writes, fields: { Tail: first * sector } });
    at += 1 + writes.filter(({ data }) => typeof data === 'object').length;
  }
  return log;
}

describe('VHDX that was not closed', { skip: withoutQemu }, () => {
  const anyLogs = [1, 2, 3, 4, 5].map((seed): [string, VhdxLogEntry[]] => [`of any writes (${seed})`, anyLog(seed)]);
  for (const [what, log] of [...dirtyLogs, ...anyLogs]) {
    test(`is read as QEMU reads it after replaying its log ${what}`, async () => {
      await using folder = await temporaryFolder();
      const image = folder.path('dirty.vhdx');
      const { sizeBytes, parts } = buildVhdx({ log });
      await writeSparse(
        image,
        sizeBytes,
        parts.map(([offset, bytes]) => [offset, bytes]),
      );
      await assert.rejects(qemuImg('info', image), /log that needs to be replayed/);
      await using source = await openFileSource(image);
      const { bytes, report } = await readDisk(source);
      assert.ok(report.format === 'vhdx' && report.replayedLogEntries > 0);

      const repaired = folder.path('repaired.vhdx');
      await copyFile(image, repaired);
      await qemuImg('check', '-r', 'all', repaired);
      assert.ok(bytes.equals(await qemuGuestBytes(repaired)));
      await using clean = await openFileSource(repaired);
      const again = await readDisk(clean);
      assert.ok(again.bytes.equals(bytes));
      assert.ok(again.report.format === 'vhdx' && again.report.replayedLogEntries === 0);
    });
  }
});

describe('VHDX that was cut short', { skip: withoutQemu }, () => {
  test('is refused or read right, wherever it was cut', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('whole.vhdx');
    await qemuImg('create', '-f', 'vhdx', '-o', 'block_size=1M', image, '3584k');
    await qemuIo(image, ['write -P 1 0 2M', 'write -P 2 3M 100k']);
    const guest = await qemuGuestBytes(image);
    const whole = await readFile(image);
    const { size } = await stat(image);
    let refused = 0;
    const cuts = Array.from({ length: 60 }, (_, i) => Math.floor((size * (i + 1)) / 61));
    for (const cut of [...cuts, size - 1, size - MiB / 2, size - MiB / 2 - 1]) {
      const path = folder.path('cut.vhdx');
      await writeFile(path, whole.subarray(0, cut));
      await using source = await openFileSource(path);
      const bytes = await readDisk(source).then(
        (disk) => disk.bytes,
        (failure: unknown) => assert.ok(failure instanceof Error && failure.name === 'ImageRefused', String(failure)),
      );
      if (bytes === undefined) refused++;
      else assert.ok(bytes.equals(guest), `cut to ${cut} of ${size} bytes`);
    }
    assert.ok(refused > 55, `${refused} were refused`);
  });
});
