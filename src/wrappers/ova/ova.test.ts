import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildQcow2 } from '../../../test/fixtures/qcow2-builder.ts';
import { noise } from '../../../test/fixtures/qemu.ts';
import { buildTar, type TarEntry } from '../../../test/fixtures/tar-builder.ts';
import { readUnwrapped, refusalOfFile } from '../../../test/fixtures/unwrapped.ts';

const disk = noise(8192, 1);

interface OvfParts {
  readonly files?: string;
  readonly disks?: string;
  readonly prefix?: string;
  readonly before?: string;
  readonly namespace?: string;
}

const file = '<ovf:File ovf:id="f1" ovf:href="disk.vmdk" ovf:size="8192"/>';
const disk1 = '<ovf:Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^10"/>';

function ovf({
  files = file,
  disks = disk1,
  prefix = 'ovf',
  before = '<?xml version="1.0" encoding="UTF-8"?>',
  namespace = 'http://schemas.dmtf.org/ovf/envelope/1',
}: OvfParts = {}): string {
  const text = `${before}<ovf:Envelope xmlns:ovf="${namespace}"><ovf:References>${files}</ovf:References><ovf:DiskSection><ovf:Info>Disks</ovf:Info>${disks}</ovf:DiskSection><ovf:VirtualSystem ovf:id="vm"/></ovf:Envelope>`;
  return text.replaceAll('ovf:', `${prefix}:`).replace('xmlns:ovf', `xmlns:${prefix}`);
}

const description = (parts?: OvfParts): TarEntry => ({ name: 'vm.ovf', data: ovf(parts) });
const member: TarEntry = { name: 'disk.vmdk', data: disk };

function manifest(algorithm: string, ...entries: TarEntry[]): TarEntry {
  const lines = entries.map(
    ({ name, data = '' }) => `${algorithm}(${name})= ${createHash(algorithm).update(data).digest('hex')}`,
  );
  return { name: 'vm.mf', data: `${lines.join('\r\n')}\r\n` };
}

test('reads the disk of an OVA, and reports what was with it', async () => {
  const files = `${file}<ovf:File ovf:id="f2" ovf:href="vm.nvram"/>`;
  const disks = `${disk1}<ovf:Disk ovf:diskId="d2" ovf:capacity="1"/>`;
  const nvram = { name: 'vm.nvram', data: 'nvram' };
  const parts = description({ files, disks });
  const archive = buildTar(
    parts,
    manifest('SHA256', parts, member),
    { name: 'vm.cert', data: 'certificate' },
    member,
    nvram,
  );
  const { bytes, layers } = await readUnwrapped(archive);
  assert.ok(bytes.equals(disk));
  const [layer] = layers;
  assert.ok(layer?.layer === 'ova');
  assert.deepEqual(
    { ...layer, notes: layer.notes.length },
    {
      layer: 'ova',
      description: 'vm.ovf',
      member: 'disk.vmdk',
      bytes: 8192,
      statedCapacityBytes: 8192,
      verifiedMembers: 2,
      ignoredMembers: ['vm.nvram'],
      notes: 2,
    },
  );
});

for (const algorithm of ['SHA1', 'SHA256', 'SHA512']) {
  test(`holds members against a manifest of ${algorithm}`, async () => {
    const parts = description();
    await readUnwrapped(buildTar(parts, manifest(algorithm, parts, member), member));
    for (const changed of [
      { ...member, data: noise(8192, 2) },
      { ...member, data: disk.subarray(1) },
    ]) {
      const refusal = await refusalOfFile(buildTar(parts, manifest(algorithm, parts, member), changed));
      assert.equal(refusal.check, 'ova.manifest-digest');
      assert.match(refusal.message, /"disk.vmdk"/);
    }
  });
}

test('holds the description and other files against the manifest, too', async () => {
  const parts = description({ files: `${file}<ovf:File ovf:id="f2" ovf:href="vm.nvram"/>` });
  const nvram = { name: 'vm.nvram', data: 'nvram' };
  const archive = buildTar(parts, manifest('SHA256', parts, member, nvram), member, { ...nvram, data: 'other' });
  assert.equal((await refusalOfFile(archive)).check, 'ova.manifest-digest');
  const lying = buildTar(description({ disks: `${disk1} ` }), manifest('SHA256', description(), member), member);
  assert.equal((await refusalOfFile(lying)).check, 'ova.manifest-digest');
});

test('reads descriptions of other prefixes and versions', async () => {
  for (const parts of [
    { prefix: 'o' },
    { namespace: 'http://schemas.dmtf.org/ovf/envelope/2' },
    { before: '\ufeff' },
    { before: '' },
  ]) {
    const { bytes } = await readUnwrapped(buildTar(description(parts), member));
    assert.ok(bytes.equals(disk), JSON.stringify(parts));
  }
  // An own namespace for attributes, as the standard has it, and none for them, as some programs write.
  const bare = `<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><References><File id="f1" href="disk.vmdk"/></References><DiskSection><Disk diskId="d" fileRef="f1" capacity="9"/></DiskSection></Envelope>`;
  assert.ok((await readUnwrapped(buildTar({ name: 'vm.ovf', data: bare }, member))).bytes.equals(disk));
});

test('says when the description is wrong about the disk file', async () => {
  const { layers } = await readUnwrapped(buildTar(description({ files: file.replace('8192', '1') }), member));
  assert.match(layers[0]?.notes.join() ?? '', /says that the disk file has 1 bytes; it has 8192/);
});

test('goes on into a disk file that is packed, and into its format', async () => {
  const qcow2 = buildQcow2();
  const { layers, format } = await readUnwrapped(buildTar(description(), { ...member, data: gzipSync(qcow2) }));
  assert.deepEqual(
    layers.map(({ layer }) => layer),
    ['ova', 'gzip'],
  );
  assert.equal(format, 'qcow2');
});

const laughs = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>';
const cases: readonly (readonly [what: string, archive: Buffer, check: string])[] = [
  ['a document type', buildTar(description({ before: laughs }), member), 'ova.xml-doctype'],
  [
    'an external entity',
    buildTar(description({ before: '<!doctype x SYSTEM "file:///etc/passwd">' }), member),
    'ova.xml-doctype',
  ],
  ['an entity of its own', buildTar(description({ disks: `${disk1}&xxe;` }), member), 'ova.xml'],
  ['an open element', buildTar(description({ disks: '<ovf:Disk>' }), member), 'ova.xml'],
  ['a prefix that means nothing', buildTar(description({ disks: '<x:Disk/>' }), member), 'ova.xml'],
  ['UTF-16', buildTar({ name: 'vm.ovf', data: Buffer.from(`\ufeff${ovf()}`, 'utf16le') }, member), 'ova.xml-encoding'],
  [
    'the word of being in UTF-16',
    buildTar(description({ before: '<?xml version="1.0" encoding="UTF-16"?>' }), member),
    'ova.xml-encoding',
  ],
  [
    'elements too deep',
    buildTar(description({ disks: `${'<ovf:a>'.repeat(64)}${'</ovf:a>'.repeat(64)}` }), member),
    'ova.xml-size',
  ],
  ['too many elements', buildTar(description({ disks: '<ovf:a/>'.repeat(20_001) }), member), 'ova.xml-size'],
  ['too much text', buildTar(description({ before: ' '.repeat(2 ** 20) }), member), 'ova.text-size'],
  ['no XML', buildTar({ name: 'vm.ovf', data: 'disk.vmdk' }, member), 'ova.xml'],
  ['nothing in it', buildTar({ name: 'vm.ovf' }, member), 'ova.xml'],
  ['another root', buildTar({ name: 'vm.ovf', data: '<a/>' }, member), 'ova.description'],
  ['another namespace', buildTar(description({ namespace: 'http://example.com/' }), member), 'ova.description'],
  ['two descriptions', buildTar(description(), { ...description(), name: 'b.ovf' }, member), 'ova.description'],
  [
    'a disk without a file',
    buildTar(description({ files: '', disks: disk1.replace(/ovf:fileRef="f1"/, '') })),
    'ova.no-disk',
  ],
  ['a disk with an unknown file', buildTar(description({ files: '' })), 'ova.description'],
  ['two files with one id', buildTar(description({ files: `${file}${file}` }), member), 'ova.description'],
  [
    'a disk on another',
    buildTar(description({ disks: disk1.replace('/>', ' ovf:parentRef="d0"/>') }), member),
    'ova.description',
  ],
  [
    'a file in chunks',
    buildTar(description({ files: file.replace('/>', ' ovf:chunkSize="9"/>') }), member),
    'ova.description',
  ],
  ['two disks', buildTar(description({ disks: `${disk1}${disk1}` }), member), 'ova.several-disks'],
  [
    'a file that is a path',
    buildTar(description({ files: file.replace('disk.vmdk', '../../etc/passwd') })),
    'ova.file-reference',
  ],
  [
    'a file that is an address',
    buildTar(description({ files: file.replace('disk.vmdk', 'http://169.254.169.254/') })),
    'ova.file-reference',
  ],
  ['a file that is not there', buildTar(description()), 'ova.file-reference'],
  ['a file that nobody names', buildTar(description(), member, { name: 'x.sh' }), 'ova.unexpected-member'],
  [
    'a manifest of another name',
    buildTar(description(), { ...manifest('SHA1', member), name: 'x.mf' }, member),
    'ova.unexpected-member',
  ],
  [
    'a manifest that names a file that is not there',
    buildTar(description(), manifest('SHA1', { name: 'x' }), member),
    'ova.manifest',
  ],
  [
    'a manifest that names a file twice',
    buildTar(description(), manifest('SHA1', member, member), member),
    'ova.manifest',
  ],
  [
    'a manifest with MD5',
    buildTar(description(), { name: 'vm.mf', data: 'MD5(disk.vmdk)= 00' }, member),
    'ova.manifest',
  ],
  [
    'a manifest with a short digest',
    buildTar(description(), { name: 'vm.mf', data: 'SHA256(disk.vmdk)= 00' }, member),
    'ova.manifest',
  ],
];

for (const [what, archive, check] of cases) {
  test(`refuses an OVA with ${what}`, async () => {
    const refusal = await refusalOfFile(archive);
    assert.equal(refusal.check, check, refusal.message);
  });
}
