import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDiskFile } from '../../src/images/open-disk-file.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, prose, qemuImg, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';

const run = promisify(execFile);

const MiB = 2 ** 20;

/** A sector; no whole number of blocks or clusters; several of them. */
const sizes = [512, MiB + 1536, 5 * MiB];

/** Every kind of file that qemu-img writes and Obraz reads: QEMU's and our name of its format, and options. */
const variants: readonly (readonly [name: string, format: string, options: readonly string[]])[] = [
  ['raw', 'raw', []],
  ['qcow2', 'qcow2', ['-o', 'compat=0.10']],
  ['qcow2', 'qcow2', ['-o', 'extended_l2=on']],
  ['qcow2', 'qcow2', ['-c']],
  ['qcow2', 'qcow2', ['-c', '-o', 'compression_type=zstd']],
  ['vmdk', 'vmdk', ['-o', 'subformat=monolithicSparse']],
  ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
  ['vpc', 'vhd', ['-o', 'subformat=dynamic,force_size=on']],
  ['vpc', 'vhd', ['-o', 'subformat=fixed,force_size=on']],
  ['vhdx', 'vhdx', ['-o', 'subformat=dynamic']],
  ['vhdx', 'vhdx', ['-o', 'subformat=fixed,block_size=1M']],
  ['vdi', 'vdi', ['-o', 'static=off']],
  ['vdi', 'vdi', ['-o', 'static=on']],
];

/** What wraps the file `disk` in a folder, as a shell's command that writes to its output; and the layers to be told. */
const wrappers: readonly (readonly [command: string, layers: readonly string[]])[] = [
  ['gzip -1 -c disk', ['gzip']],
  ['xz -0 -c disk', ['xz']],
  ['zstd -q -1 -c disk', ['zstd']],
  ['tar -cf - disk', ['tar']],
  ['tar -cSf - disk | gzip -1', ['gzip', 'tar']],
];

const without =
  withoutQemu ||
  (['gzip', 'xz', 'zstd', 'tar'].every((tool) => spawnSync(tool, ['--version']).status === 0)
    ? false
    : 'needs gzip, xz, zstd and tar (packages gzip, xz-utils, zstd, tar)');

/** Noise, text and zeros, with something in the last sector. */
function diskOf(sizeBytes: number): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  noise(Math.min(sizeBytes, 100_000), 1).copy(disk);
  prose(300_000, 2).copy(disk, Math.min(sizeBytes, MiB / 2));
  noise(512, 3).copy(disk, sizeBytes - 512);
  return disk;
}

describe('What qemu-img writes, wrapped', { skip: without }, () => {
  for (const [name, format, options] of variants) {
    test(`reads ${[format, ...options].join(' ')} of three sizes through gz, xz, zst, tar and sparse tar.gz`, async () => {
      await using folder = await temporaryFolder();
      for (const sizeBytes of sizes) {
        const disk = diskOf(sizeBytes);
        await writeFile(folder.path('disk.raw'), disk);
        await qemuImg('convert', '-f', 'raw', '-O', name, ...options, folder.path('disk.raw'), folder.path('disk'));
        for (const [command, layers] of wrappers) {
          const wrapped = folder.path('wrapped');
          await run('sh', ['-c', `${command} > wrapped`], { cwd: folder.path('') });
          await using source = await openFileSource(wrapped);
          await using opened = await openDiskFile(source, {
            sha256: undefined,
            fileName: '',
            workPath: folder.path('work'),
          });
          const { map, source: view, report } = opened.disk;
          await using device = createMappedDevice(view, map);
          const bytes = Buffer.alloc(device.sizeBytes);
          await device.readAt(bytes, 0);
          assert.ok(bytes.equals(disk), `${command}, ${sizeBytes} bytes`);
          assert.equal(report.format, format);
          assert.deepEqual(
            opened.report.layers.map((layer) => layer.kind),
            layers,
          );
        }
      }
    });
  }
});
