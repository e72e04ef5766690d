import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { noise, qemuGuestBytes, qemuImg, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { readDisk, refusalOf } from '../fixtures/read-disk.ts';

describe('raw disks', { skip: withoutQemu }, () => {
  for (const length of [512, 1_000_001, 2 ** 20]) {
    test(`reads ${length} bytes as qemu-img does`, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.path('disk.raw'), noise(length, 9));
      await using source = await openFileSource(folder.path('disk.raw'));
      assert.ok((await readDisk(source)).bytes.equals(await qemuGuestBytes(folder.path('disk.raw'))));
    });
  }

  test('opens a sparse disk of 3 TiB', async () => {
    await using folder = await temporaryFolder();
    await qemuImg('create', '-f', 'raw', folder.path('disk.raw'), '3T');
    await using source = await openFileSource(folder.path('disk.raw'));
    assert.equal((await openDisk(source)).map.sizeBytes, 3 * 2 ** 40);
  });
});

describe('disks of other formats, as qemu-img writes them', { skip: withoutQemu }, () => {
  const formats: [string, string[]][] = [
    ['vmdk', ['-o', 'subformat=monolithicFlat']],
    ['qed', []],
    ['parallels', []],
  ];
  for (const [format, options] of formats) {
    test(`refuses ${format} ${options.join(' ')} by name`, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.path('disk.raw'), noise(2 ** 20, 9));
      await qemuImg('convert', '-f', 'raw', '-O', format, ...options, folder.path('disk.raw'), folder.path('disk.img'));
      await using source = await openFileSource(folder.path('disk.img'));
      assert.equal(await refusalOf(source), 'format.unsupported');
    });
  }

  test('refuses qcow version 1, encrypted qcow2, and a layer on another file', async () => {
    await using folder = await temporaryFolder();
    const image = folder.path('disk.img');
    const check = async () => {
      await using source = await openFileSource(image);
      return await refusalOf(source);
    };
    await qemuImg('create', '-f', 'qcow', image, '1M');
    assert.equal(await check(), 'qcow2.version');
    const secret = ['--object', 'secret,id=key,data=open'];
    // The old kind: for a LUKS key qemu-img measures its own CPU time, and on a busy machine fails.
    await qemuImg('create', ...secret, '-f', 'qcow2', '-o', 'encrypt.format=aes,encrypt.key-secret=key', image, '1M');
    assert.equal(await check(), 'qcow2.encryption');
    await qemuImg('create', '-f', 'qcow2', folder.path('base.qcow2'), '1M');
    await qemuImg('create', '-f', 'qcow2', '-b', folder.path('base.qcow2'), '-F', 'qcow2', image);
    assert.equal(await check(), 'qcow2.backing-file');
    await qemuImg('create', '-f', 'qcow2', '-o', `data_file=${folder.path('data.raw')}`, image, '1M');
    assert.equal(await check(), 'qcow2.data-file');
  });
});
