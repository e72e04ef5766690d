import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, prose, qemuImg, temporaryFolder, withoutQemu, writeSparse } from '../fixtures/qemu.ts';
import { readUnwrapped } from '../fixtures/unwrapped.ts';

const run = promisify(execFile);

/** For the `skip` option of a test: a reason where one of these tools is missing, otherwise false. */
function without(...tools: readonly (readonly [tool: string, packageName: string])[]): string | false {
  const missing = tools.find(([tool]) => spawnSync(tool, ['--version'], { input: '' }).error !== undefined);
  return missing === undefined ? false : `needs ${missing[0]} (package ${missing[1]})`;
}

const tar = ['tar', 'tar'] as const;
const sizeBytes = 20_000_300;
const parts: readonly [number, Buffer][] = [
  [0, noise(512, 1)],
  [65_536, prose(200_000, 2)],
  [5_000_192, noise(100_000, 3)],
  [sizeBytes - 256, noise(256, 4)],
];
const disk = Buffer.alloc(sizeBytes);
for (const [offset, bytes] of parts) disk.set(bytes, offset);
const padded = Buffer.concat([disk, Buffer.alloc(512 - (sizeBytes % 512))]);

interface Case {
  readonly what: string;
  readonly needs: readonly (readonly [tool: string, packageName: string])[];
  /** Shell commands in a folder with `disk.raw`, the last of which writes `file`. */
  readonly make: string;
  readonly layers: readonly string[];
  readonly sparse?: string;
}

const gzip = ['gzip', 'gzip'] as const;
const xz = ['xz', 'xz-utils'] as const;
const zstd = ['zstd', 'zstd'] as const;
const bzip2 = ['bzip2', 'bzip2'] as const;

const cases: readonly Case[] = [
  ...['-1', '-9'].map((level) => ({
    what: `gzip ${level}`,
    needs: [gzip],
    make: `gzip ${level} -c disk.raw > file`,
    layers: ['gzip'],
  })),
  {
    what: 'two gzip files in one',
    needs: [gzip],
    make: '(head -c 777777 disk.raw | gzip; tail -c +777778 disk.raw | gzip) > file',
    layers: ['gzip'],
  },
  ...['-0', '-6', '-9e', '-0 -T2 --block-size=1MiB'].map((options) => ({
    what: `xz ${options}`,
    needs: [xz],
    make: `xz ${options} -c disk.raw > file`,
    layers: ['xz'],
  })),
  ...['-1', '-19', '--long=26', '-3 --check', '-T2 -B1MiB'].map((options) => ({
    what: `zstd ${options}`,
    needs: [zstd],
    make: `zstd -q ${options} -c disk.raw > file`,
    layers: ['zstd'],
  })),
  { what: 'zstd from a pipe', needs: [zstd], make: 'zstd -q -c < disk.raw > file', layers: ['zstd'] },
  ...['-1', '-9'].map((level) => ({
    what: `bzip2 ${level}`,
    needs: [bzip2],
    make: `bzip2 ${level} -c disk.raw > file`,
    layers: ['bzip2'],
  })),
  ...['v7', 'oldgnu', 'gnu', 'ustar', 'posix'].map((format) => ({
    what: `tar --format=${format}`,
    needs: [tar],
    make: `tar --format=${format} -cf file disk.raw`,
    layers: ['tar'],
  })),
  ...['oldgnu', 'gnu'].map((format) => ({
    what: `tar --sparse --format=${format}`,
    needs: [tar],
    make: `tar --sparse --format=${format} -cf file disk.raw`,
    layers: ['tar'],
    sparse: 'oldgnu',
  })),
  ...['0.0', '0.1', '1.0'].map((version) => ({
    what: `tar --sparse-version=${version}`,
    needs: [tar],
    make: `tar --sparse --format=posix --sparse-version=${version} -cf file disk.raw`,
    layers: ['tar'],
    sparse: `pax-${version}`,
  })),
  { what: 'tar of a folder', needs: [tar], make: 'mkdir d && mv disk.raw d && tar -C d -cf file .', layers: ['tar'] },
  { what: 'tar of ./FILE in gzip', needs: [tar, gzip], make: 'tar czf file ./disk.raw', layers: ['gzip', 'tar'] },
  { what: 'tar of FOLDER', needs: [tar], make: 'mkdir -p d/e && mv disk.raw d/e && tar -cf file d', layers: ['tar'] },
  { what: 'tar.gz', needs: [tar, gzip], make: 'tar -czf file disk.raw', layers: ['gzip', 'tar'] },
  {
    what: 'a sparse tar.gz, as Compute Engine takes it',
    needs: [tar, gzip],
    make: 'tar --format=oldgnu -Sczf file disk.raw',
    layers: ['gzip', 'tar'],
    sparse: 'oldgnu',
  },
  { what: 'tar.xz', needs: [tar, xz], make: 'tar -cJf file disk.raw', layers: ['xz', 'tar'] },
  { what: 'tar.bz2', needs: [tar, bzip2], make: 'tar -cjf file disk.raw', layers: ['bzip2', 'tar'] },
  { what: 'tar.zst', needs: [tar, zstd], make: 'tar --zstd -cf file disk.raw', layers: ['zstd', 'tar'] },
  {
    what: 'xz in a tar in gzip',
    needs: [tar, gzip, xz],
    make: 'xz -0 disk.raw && tar -czf file disk.raw.xz',
    layers: ['gzip', 'tar', 'xz'],
  },
];

for (const { what, needs, make, layers, sparse } of cases) {
  test(`reads ${what} byte for byte`, { skip: without(...needs) }, async () => {
    await using folder = await temporaryFolder();
    await writeSparse(folder.path('disk.raw'), sizeBytes, parts);
    const path = folder.path('file');
    await run('sh', ['-ec', make], { cwd: dirname(path) });
    await using source = await openFileSource(path);
    const read = await readUnwrapped(source);
    assert.ok(read.bytes.equals(padded));
    assert.deepEqual(
      read.layers.map(({ layer }) => layer),
      layers,
    );
    if (sparse !== undefined)
      assert.equal(read.layers.flatMap((layer) => (layer.layer === 'tar' ? [layer.sparse] : []))[0], sparse);
  });
}

describe('what qemu-img makes', { skip: withoutQemu || without(tar) }, () => {
  const guest = Buffer.concat([disk, Buffer.alloc(2 ** 20 - (sizeBytes % 2 ** 20))]);

  async function makeGuest(path: string): Promise<void> {
    await writeFile(path, guest);
  }

  test('is read out of an OVA with a manifest', async () => {
    await using folder = await temporaryFolder();
    const path = folder.path('vm.ova');
    await makeGuest(folder.path('disk.raw'));
    await qemuImg(
      'convert',
      '-f',
      'raw',
      '-O',
      'vmdk',
      '-o',
      'subformat=streamOptimized',
      folder.path('disk.raw'),
      folder.path('vm-disk1.vmdk'),
    );
    const ovf = `<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References><File ovf:href="vm-disk1.vmdk" ovf:id="file1"/></References><DiskSection><Info>Disks</Info><Disk ovf:capacity="${guest.length}" ovf:diskId="vmdisk1" ovf:fileRef="file1"/></DiskSection></Envelope>`;
    await writeFile(folder.path('vm.ovf'), ovf);
    const lines = await Promise.all(
      ['vm.ovf', 'vm-disk1.vmdk'].map(async (name) => {
        const digest = createHash('sha256')
          .update(await readFile(folder.path(name)))
          .digest('hex');
        return `SHA256(${name})= ${digest}\n`;
      }),
    );
    await writeFile(folder.path('vm.mf'), lines.join(''));
    await run('tar', ['--format=ustar', '-cf', basename(path), 'vm.ovf', 'vm.mf', 'vm-disk1.vmdk'], {
      cwd: dirname(path),
    });
    await using source = await openFileSource(path);
    const { bytes, layers, format } = await readUnwrapped(source);
    assert.ok(bytes.equals(guest));
    assert.equal(format, 'vmdk');
    assert.equal(layers[0]?.layer === 'ova' && layers[0].verifiedMembers, 2);
  });

  for (const subformat of ['monolithicFlat', 'twoGbMaxExtentFlat']) {
    test(`is read out of a tar of a ${subformat} VMDK`, async () => {
      await using folder = await temporaryFolder();
      const path = folder.path('file.tar');
      await makeGuest(folder.path('disk.raw'));
      await qemuImg(
        'convert',
        '-f',
        'raw',
        '-O',
        'vmdk',
        '-o',
        `subformat=${subformat}`,
        folder.path('disk.raw'),
        folder.path('disk.vmdk'),
      );
      await run('sh', ['-c', 'tar -cSf file.tar disk*.vmdk'], { cwd: dirname(path) });
      await using source = await openFileSource(path);
      assert.ok((await readUnwrapped(source)).bytes.equals(guest));
    });
  }

  test('is read as qcow2 out of xz', { skip: without(xz) }, async () => {
    await using folder = await temporaryFolder();
    const path = folder.path('disk.qcow2.xz');
    await makeGuest(folder.path('disk.raw'));
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', folder.path('disk.raw'), folder.path('disk.qcow2'));
    await run('xz', ['-1', folder.path('disk.qcow2')]);
    await using source = await openFileSource(path);
    const { bytes, format } = await readUnwrapped(source);
    assert.ok(bytes.equals(guest) && format === 'qcow2');
  });
});
