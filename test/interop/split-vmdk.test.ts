import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { open, readdir, stat } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openUnwrapped } from '../../src/wrappers/open-unwrapped.ts';
import { unwrap } from '../../src/wrappers/unwrap.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { qemuImg, qemuIo, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';

const run = promisify(execFile);
const withoutTar = spawnSync('tar', ['--version']).status === 0 ? false : 'needs tar (package tar)';
const GiB = 2 ** 30;
const windowBytes = 64 * 2 ** 20;

/** Writes the guest of a file, where it has data, into a sparse raw file. Returns the names of the extents. */
async function writeGuest(path: string, workPath: string, target: string): Promise<readonly string[]> {
  await using source = await openFileSource(path);
  await using unwrapped = await unwrap(source, { workPath });
  const { map, source: view, format, report } = await openUnwrapped(unwrapped);
  assert.equal(format, 'vmdk');
  assert.ok(report.format === 'vmdk' && report.variant === 'twoGbMaxExtentSparse');
  assert.equal(report.fileBytes, view.sizeBytes);
  await using device = createMappedDevice(view, map);
  await using raw = await open(target, 'w');
  await raw.truncate(map.sizeBytes);
  for (let offset = 0; offset < map.sizeBytes; offset += windowBytes) {
    for await (const extent of device.extents(offset, Math.min(windowBytes, map.sizeBytes - offset))) {
      if (extent.kind !== 'data') continue;
      const bytes = new Uint8Array(extent.length);
      await device.readAt(bytes, extent.offset);
      await raw.write(bytes, 0, bytes.length, extent.offset);
    }
  }
  const [layer] = unwrapped.layers;
  return layer?.layer === 'tar' ? layer.extents : [];
}

describe('VMDK in sparse parts as qemu-img writes it, in a tar', { skip: withoutQemu || withoutTar }, () => {
  // One part; two, the second of one sector; three, with data over the borders and at the very end.
  const disks: readonly (readonly [sizeBytes: number, places: readonly number[], parts: number])[] = [
    [5 * 2 ** 20 + 1536, [0, 3 * 2 ** 20], 1],
    [2 * GiB + 512, [2 * GiB - 4096, 2 * GiB], 2],
    [5 * GiB + 512 * 3, [512, 2 * GiB - 4096, 4 * GiB - 65_536, 4 * GiB + 700_000, 5 * GiB + 512], 3],
  ];
  for (const [sizeBytes, places, parts] of disks) {
    for (const options of ['', ',zeroed_grain=on']) {
      test(`reads ${sizeBytes} bytes in ${parts} extents${options}`, async () => {
        await using folder = await temporaryFolder();
        const subformat = `subformat=twoGbMaxExtentSparse${options}`;
        await qemuImg('create', '-f', 'vmdk', '-o', subformat, folder.path('disk.vmdk'), `${sizeBytes}`);
        await qemuIo(
          folder.path('disk.vmdk'),
          places.map(
            (place, i) => `write -P ${i + 1} ${place} ${Math.min(i % 2 === 0 ? 300_032 : 8192, sizeBytes - place)}`,
          ),
        );
        if (options !== '') await qemuIo(folder.path('disk.vmdk'), ['write -z 65536 131072']);
        const names = (await readdir(folder.path('.'))).filter((name) => name.endsWith('.vmdk')).sort();
        await run('tar', ['-cSf', 'disk.tar', ...names], { cwd: folder.path('.') });
        const extents = await writeGuest(folder.path('disk.tar'), folder.path('work'), folder.path('ours.raw'));
        assert.deepEqual(
          extents,
          names.filter((name) => name !== 'disk.vmdk'),
        );
        assert.equal(extents.length, parts);
        // Fails where a byte differs.
        assert.equal((await stat(folder.path('ours.raw'))).size, sizeBytes);
        await qemuImg('compare', '-f', 'raw', '-F', 'vmdk', folder.path('ours.raw'), folder.path('disk.vmdk'));
      });
    }
  }
});
