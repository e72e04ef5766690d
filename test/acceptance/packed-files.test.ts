import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { smallDisk } from '../fixtures/guest.ts';
import { startObraz } from '../fixtures/obraz.ts';
import { buildTar } from '../fixtures/tar-builder.ts';
import { buildXz } from '../fixtures/xz-builder.ts';

const disk = smallDisk(7);

/** A machine with one disk, with the digest of that disk. */
function buildOva(member: Buffer, digest = createHash('sha256').update(member).digest('hex')): Buffer {
  const envelope = 'xmlns="http://schemas.dmtf.org/ovf/envelope/1"';
  const ovf = `<Envelope ${envelope}><References><File id="f" href="vm-disk1.qcow2"/></References><DiskSection><Disk diskId="d" fileRef="f" capacity="1"/></DiskSection></Envelope>`;
  const manifest = `SHA256(vm-disk1.qcow2)= ${digest}\n`;
  return buildTar(
    { name: 'vm.ovf', data: ovf },
    { name: 'vm.mf', data: manifest },
    { name: 'vm-disk1.qcow2', data: member },
  );
}

test('a packed disk and an OVA become the same image as the disk itself, and leave nothing behind', async () => {
  await using files = await startFileServer();
  await using obraz = await startObraz();
  await using door = openRestDoor(obraz);
  const importFile = async (name: string, file: Buffer) => {
    const { body: begun } = await door.call('ImageService.Create', {
      folderId: obraz.folderId,
      uri: files.put(name, file),
    });
    return await untilDone(door, begun.id);
  };

  const { response: plain } = await importFile('disk.qcow2', disk.qcow2);
  const xz = buildXz({ data: disk.qcow2 });
  const packed: [string, Buffer, string[]][] = [
    ['disk.qcow2.xz', xz, ['xz']],
    ['machine.ova', buildOva(disk.qcow2), ['ova']],
    ['disk.tar.gz', gzipSync(buildTar({ data: disk.qcow2 })), ['gzip', 'tar']],
  ];
  for (const [name, file, layers] of packed) {
    const { response: image } = await importFile(name, file);
    assert.equal(image?.obraz.guestDigest, plain.obraz.guestDigest, name);
    const { source } = image.obraz;
    assert.deepEqual(
      source.layers.map(({ kind }: { kind: string }) => kind),
      layers,
    );
    assert.equal(source.disk.format, 'qcow2');
    assert.equal(source.sha256, createHash('sha256').update(file).digest('hex'), name);
  }

  const changed = await importFile('changed.ova', buildOva(disk.qcow2, '0'.repeat(64)));
  assert.match(changed.error.message, /"vm-disk1.qcow2" in the archive has the sha256 .*; its manifest says 0000/);
  const cut = await importFile('cut.xz', xz.subarray(0, -20));
  assert.match(cut.error.message, /xz data does not end at byte/);
  assert.ok(cut.error.details.some(({ reason }: { reason?: string }) => reason === 'IMAGE_REFUSED_XZ_TRUNCATED'));

  // An operation is done before its copies are gone.
  const spool = join(obraz.dataDirectory, 'spool');
  for (const end = Date.now() + 10_000; (await readdir(spool)).length > 0; await sleep(20)) {
    assert.ok(Date.now() < end, `still there: ${await readdir(spool)}`);
  }
});
