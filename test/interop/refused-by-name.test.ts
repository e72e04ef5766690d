import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { ImageRefused } from '../../src/formats/image-refused.ts';
import { openDisk } from '../../src/formats/open-disk.ts';
import { openFileSource } from '../fixtures/file-source.ts';
import { buildLuks } from '../fixtures/luks-builder.ts';
import { buildBochs, buildCloop, buildDmg } from '../fixtures/other-disks.ts';
import { noise, qemuImg, temporaryFolder, withoutQemu } from '../fixtures/qemu.ts';
import { readDisk } from '../fixtures/read-disk.ts';

const guest = Buffer.concat([noise(300 * 1024, 1), Buffer.alloc(400 * 1024), noise(324 * 1024, 2)]);

const passphrase = 'open sesame';

type Folder = { path(name: string): string };

/** Writes `disk.img` with the guest's bytes in it. */
type Writer = (folder: Folder) => Promise<unknown>;

const convert =
  (format: string, ...options: string[]): Writer =>
  ({ path }) =>
    qemuImg('convert', ...options, '-f', 'raw', '-O', format, path('disk.raw'), path('disk.img'));

const handMade =
  (build: (guest: Buffer) => Buffer): Writer =>
  ({ path }) =>
    writeFile(path('disk.img'), build(guest));

const refused: [what: string, write: Writer, check: string, reason: RegExp][] = [
  ['a QED disk', convert('qed'), 'format.unsupported', /a QED disk/],
  ['a Parallels disk', convert('parallels'), 'format.unsupported', /a Parallels disk/],
  ['a DMG', handMade(buildDmg), 'format.unsupported', /a DMG disk/],
  ['a Bochs disk', handMade(buildBochs), 'format.unsupported', /a Bochs disk/],
  ['a cloop', handMade(buildCloop), 'format.unsupported', /a cloop disk/],
  ['a LUKS container', handMade((guest) => buildLuks(guest, passphrase)), 'format.encrypted', /a LUKS container/],
  ['a qcow of version 1', convert('qcow'), 'qcow2.version', /qcow \(version 1\)/],
  [
    'an encrypted qcow2',
    // The old kind, AES: for a LUKS key qemu-img takes seconds. The command is the same for both.
    ({ path }) =>
      convert(
        'qcow2',
        ...['--object', `secret,id=key,file=${path('KEYFILE')}`],
        ...['-o', 'encrypt.format=aes,encrypt.key-secret=key'],
      )({ path }),
    'qcow2.encryption',
    /encrypted/,
  ],
];

describe('formats that are refused by name, with a command that works', { skip: withoutQemu }, () => {
  for (const [what, write, check, reason] of refused) {
    test(`refuses ${what}, and reads what its remedy makes of it`, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.path('disk.raw'), guest);
      await writeFile(folder.path('KEYFILE'), passphrase);
      await write(folder);
      await using source = await openFileSource(folder.path('disk.img'));
      const refusal = await openDisk(source).catch((failure: unknown) => failure);
      assert.ok(refusal instanceof ImageRefused);
      assert.equal(refusal.check, check);
      assert.match(refusal.reason, reason);

      await runRemedy(refusal.remedy ?? 'none', folder);
      await using remedied = await openFileSource(folder.path('disk.qcow2'));
      assert.ok((await readDisk(remedied)).bytes.equals(guest));
    });
  }
});

/** Runs the qemu-img command in a remedy, with the names that it leaves open filled in. */
async function runRemedy(remedy: string, folder: Folder): Promise<void> {
  const [, command] = /: qemu-img (.*)$/.exec(remedy) ?? [];
  assert.ok(command !== undefined, remedy);
  const filled = command
    .replace(/\bKEYFILE\b/, folder.path('KEYFILE'))
    .replace(/\bFILE\b/, folder.path('disk.img'))
    .replace('disk.qcow2', folder.path('disk.qcow2'));
  await qemuImg(...filled.split(' '));
}
