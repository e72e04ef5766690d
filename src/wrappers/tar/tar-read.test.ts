import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { noise } from '../../../test/fixtures/qemu.ts';
import {
  base256,
  buildTar,
  endOfTar,
  gnu,
  oldSparseEntry,
  paxEntry,
  rangeFields,
  type TarEntry,
  tarEntry,
  v7,
} from '../../../test/fixtures/tar-builder.ts';
import { readUnwrapped, refusalOfFile } from '../../../test/fixtures/unwrapped.ts';
import { buildVmdk, capacity, grainBytes, grainPattern, tableSector } from '../../../test/fixtures/vmdk-builder.ts';
import { unwrap } from '../unwrap.ts';

const disk = noise(8192, 1);
const good: TarEntry = { data: disk };

const plain: readonly (readonly [what: string, archive: Buffer, note?: RegExp])[] = [
  ['a ustar archive', buildTar(good)],
  ['a GNU archive', buildTar({ ...good, magic: gnu })],
  ['a v7 archive', buildTar({ ...good, magic: v7 })],
  [
    'a member in a folder that is the archive’s own',
    buildTar({ name: './', kind: '5' }, { ...good, name: './disk.raw' }),
  ],
  ['a member of the kind of old archives', buildTar({ ...good, kind: '\0' })],
  ['a contiguous member', buildTar({ ...good, kind: '7' })],
  ['a size in base 256', buildTar({ ...good, size: base256(8192n) })],
  ['a size with blanks', buildTar({ ...good, size: '      20000 ' })],
  ['a volume label', buildTar({ name: 'label', kind: 'V', magic: gnu }, good)],
  ['a comment for all', buildTar(paxEntry([['comment', 'made today']], 'g'), good)],
  ['a PAX path', buildTar(paxEntry([['path', 'disk.raw']]), { ...good, name: 'x' })],
  [
    'a PAX path with a line end in it',
    buildTar(
      paxEntry([
        ['comment', 'a\nb=c'],
        ['path', 'disk.raw'],
      ]),
      { ...good, name: 'x' },
    ),
  ],
  ['a long name', buildTar({ kind: 'L', magic: gnu, data: 'disk.raw\0' }, { ...good, name: 'x' })],
  ['no end', tarEntry(good), /no mark at its end/],
  ['one block at its end', Buffer.concat([tarEntry(good), Buffer.alloc(512)])],
  ['much behind its end', Buffer.concat([buildTar(good), noise(30_000, 3)]), /behind the archive's end mark/],
];

for (const [what, archive, note] of plain) {
  test(`reads ${what}`, async () => {
    const { bytes, layers, format } = await readUnwrapped(archive);
    assert.ok(bytes.equals(disk));
    assert.equal(format, 'raw');
    const [layer] = layers;
    assert.ok(layers.length === 1 && layer?.layer === 'tar');
    assert.deepEqual(
      { ...layer, notes: [] },
      { layer: 'tar', member: 'disk.raw', bytes: 8192, sparse: undefined, extents: [], notes: [] },
    );
    if (note === undefined) assert.deepEqual(layer.notes, []);
    else assert.match(layer.notes.join(), note);
  });
}

const ranges = [
  [512, 1024],
  [4096, 2048],
] as const;
const data = noise(3072, 2);
const expected = Buffer.alloc(10_240);
expected.set(data.subarray(0, 1024), 512);
expected.set(data.subarray(1024), 4096);
const common = [
  ['GNU.sparse.size', 10_240],
  ['GNU.sparse.numblocks', 2],
  ['GNU.sparse.name', 'disk.raw'],
] as const;
const mapLines = Buffer.alloc(512);
mapLines.write('2\n512\n1024\n4096\n2048\n');
const moreRanges = Buffer.alloc(512);
moreRanges.set(
  rangeFields([
    [4096, 2048],
    [10_240, 0],
  ]),
);

const sparse: readonly (readonly [kind: string, archive: Buffer])[] = [
  ['oldgnu', buildTar(oldSparseEntry([...ranges, [10_240, 0]], 10_240, data))],
  [
    'oldgnu',
    Buffer.concat([
      tarEntry({ ...oldSparseEntry([[512, 1024]], 10_240, Buffer.alloc(0), true), size: 3072 }),
      moreRanges,
      data,
      endOfTar,
    ]),
  ],
  [
    'pax-0.0',
    buildTar(
      paxEntry([
        ...common,
        ...ranges.flatMap(
          ([offset, length]) =>
            [
              ['GNU.sparse.offset', offset],
              ['GNU.sparse.numbytes', length],
            ] as const,
        ),
      ]),
      { name: 'x', data },
    ),
  ],
  ['pax-0.1', buildTar(paxEntry([...common, ['GNU.sparse.map', '512,1024,4096,2048']]), { name: 'x', data })],
  [
    'pax-1.0',
    buildTar(
      paxEntry([
        ['GNU.sparse.major', 1],
        ['GNU.sparse.minor', 0],
        ['GNU.sparse.realsize', 10_240],
        ['GNU.sparse.name', 'disk.raw'],
      ]),
      { name: 'x', data: Buffer.concat([mapLines, data]) },
    ),
  ],
];

for (const [index, [kind, archive]] of sparse.entries()) {
  test(`reads a sparse member, ${kind} (${index})`, async () => {
    const { bytes, layers } = await readUnwrapped(archive);
    assert.ok(bytes.equals(expected));
    const [layer] = layers;
    assert.equal(layer?.layer === 'tar' && layer.sparse, kind);
    assert.equal(layer?.layer === 'tar' && layer.member, 'disk.raw');
  });
}

test('takes a disk of 10 GiB out of 3 KB, and reads nothing for its holes', async () => {
  const archive = buildTar(
    oldSparseEntry(
      [
        [0, 512],
        [10 * 2 ** 30, 0],
      ],
      base256(10n * 2n ** 30n),
      disk.subarray(0, 512),
    ),
  );
  const source = new MemorySource(archive);
  await using unwrapped = await unwrap(source, { workPath: '/nowhere' });
  assert.equal(unwrapped.source.sizeBytes, 10 * 2 ** 30);
  const before = source.reads.length;
  assert.ok((await unwrapped.source.read(5 * 2 ** 30, 2 ** 20)).every((byte) => byte === 0));
  assert.equal(source.reads.length, before);
  assert.deepEqual([...(unwrapped.source.dataRanges?.(0, 10 * 2 ** 30) ?? [])], [{ offset: 0, length: 512 }]);
});

test('a cut at any byte is refused or leaves the disk as it was', async () => {
  const archive = buildTar(oldSparseEntry([...ranges, [10_240, 0]], 10_240, data));
  for (let length = 300; length < archive.length - 512; length += 106) {
    const cut = archive.subarray(0, length);
    const isWhole = length >= 512 + data.length && length % 512 === 0;
    if (isWhole) assert.ok((await readUnwrapped(cut)).bytes.equals(expected), `${length}`);
    else assert.equal((await refusalOfFile(cut)).check, 'tar.truncated', `${length}`);
  }
});

test('takes the only file of an archive out of its folder, and says so', async () => {
  const archive = buildTar(
    { name: './', kind: '5' },
    { name: './images/', kind: '5' },
    { name: './images/today/', kind: '5' },
    { ...good, name: './images/today/disk.raw' },
  );
  const { bytes, layers } = await readUnwrapped(archive);
  assert.ok(bytes.equals(disk));
  const [layer] = layers;
  assert.ok(layer?.layer === 'tar');
  assert.equal(layer.member, 'images/today/disk.raw');
  assert.deepEqual(layer.notes, ['Folders in the archive were passed over: 2.']);
});

const descriptor = (type: string, ...extents: string[]): TarEntry => ({
  name: 'disk.vmdk',
  data: `# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="${type}"\n${extents.join('\n')}\n`,
});
const flat = { name: 'disk-flat.vmdk', data: disk };

test('puts a VMDK together from its flat extents', async () => {
  const { bytes, layers, format } = await readUnwrapped(
    buildTar(
      descriptor('twoGbMaxExtentFlat', 'RW 8 FLAT "disk-f001.vmdk" 0', 'RW 4 ZERO', 'RW 6 FLAT "disk-f002.vmdk" 2'),
      { name: 'disk-f001.vmdk', data: disk.subarray(0, 4096) },
      { name: 'disk-f002.vmdk', data: disk.subarray(4096) },
    ),
  );
  assert.ok(bytes.equals(Buffer.concat([disk.subarray(0, 4096), Buffer.alloc(2048), disk.subarray(5120)])));
  assert.equal(format, 'raw');
  assert.deepEqual(layers[0]?.layer === 'tar' && layers[0].extents, ['disk-f001.vmdk', 'disk-f002.vmdk']);
});

test('looks for no format in the bytes of a flat extent: they are the guest’s', async () => {
  const guest = Buffer.concat([Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), disk.subarray(8)]);
  const archive = buildTar(descriptor('monolithicFlat', 'RW 16 FLAT "disk-flat.vmdk" 0'), { ...flat, data: guest });
  const { bytes, format } = await readUnwrapped(archive);
  assert.ok(bytes.equals(guest) && format === 'raw');
});

test('puts a VMDK together from its sparse extents', async () => {
  const part = (...grains: number[]) => ({
    data: buildVmdk({ descriptor: '', grains: grains.map((index) => grainPattern(index)) }),
  });
  // As VMware writes them: no room for a descriptor.
  const bare = part(5, 6);
  bare.data.fill(0, 28, 44);
  const { bytes, layers, format } = await readUnwrapped(
    buildTar(
      descriptor(
        'twoGbMaxExtentSparse',
        `RW ${capacity} SPARSE "disk-s001.vmdk"`,
        'RW 16 ZERO',
        `RW ${capacity} SPARSE "disk-s002.vmdk"`,
      ),
      { name: 'disk-s002.vmdk', ...bare },
      { name: 'disk-s001.vmdk', ...part(0, 1, 2) },
    ),
  );
  const expected = Buffer.alloc((2 * capacity + 16) * 512);
  for (const index of [0, 1, 2]) expected.set(grainPattern(index), index * grainBytes);
  for (const [at, index] of [5, 6].entries())
    expected.set(grainPattern(index), (capacity + 16) * 512 + at * grainBytes);
  assert.ok(bytes.equals(expected));
  assert.equal(format, 'vmdk');
  const [layer] = layers;
  assert.ok(layer?.layer === 'tar');
  assert.deepEqual(layer.extents, ['disk-s001.vmdk', 'disk-s002.vmdk']);
});

test('says in which sparse extent the fault is', async () => {
  const refusal = await refusalOfFile(
    buildTar(
      descriptor('twoGbMaxExtentSparse', 'RW 512 SPARSE "a.vmdk"', 'RW 512 SPARSE "b.vmdk"'),
      { name: 'a.vmdk', data: buildVmdk({ descriptor: '' }) },
      { name: 'b.vmdk', data: buildVmdk({ descriptor: '', table: [tableSector] }) },
    ),
  );
  assert.equal(refusal.check, 'vmdk.overlap');
  assert.match(refusal.reason, /^In the extent "b.vmdk": /);
});

const badExtents: readonly (readonly [what: string, archive: Buffer, check?: string])[] = [
  ['an extent with a path', buildTar(descriptor('monolithicFlat', 'RW 16 FLAT "/etc/passwd" 0'), flat)],
  ['an extent that is not there', buildTar(descriptor('monolithicFlat', 'RW 16 FLAT "other.vmdk" 0'), flat)],
  [
    'an extent twice',
    buildTar(descriptor('twoGbMaxExtentFlat', 'RW 8 FLAT "disk-flat.vmdk" 0', 'RW 8 FLAT "disk-flat.vmdk" 8'), flat),
  ],
  ['itself as an extent', buildTar(descriptor('monolithicFlat', 'RW 1 FLAT "disk.vmdk" 0'), flat)],
  ['an extent that is too short', buildTar(descriptor('monolithicFlat', 'RW 17 FLAT "disk-flat.vmdk" 0'), flat)],
  [
    'an extent of 2^63 sectors',
    buildTar(descriptor('monolithicFlat', `RW ${2n ** 63n} FLAT "disk-flat.vmdk" 0`), flat),
  ],
  ['a device', buildTar(descriptor('fullDevice', 'RW 16 FLAT "/dev/sda" 0'), flat)],
  [
    'a sparse extent that is no VMDK',
    buildTar(descriptor('twoGbMaxExtentSparse', 'RW 16 SPARSE "disk-flat.vmdk"'), flat),
    'vmdk.extent',
  ],
  ['a flat extent in a sparse disk', buildTar(descriptor('twoGbMaxExtentSparse', 'RW 16 FLAT "disk-flat.vmdk"'), flat)],
  ['a name for the keys', buildTar(descriptor('monolithicFlat', 'encryption.keySafe = "x"'), flat), 'vmdk.encryption'],
  ['a sparse extent in a flat disk', buildTar(descriptor('monolithicFlat', 'RW 16 SPARSE "disk-flat.vmdk"'), flat)],
  ['no extents', buildTar(descriptor('monolithicFlat'), flat)],
  [
    'a member that it does not name',
    buildTar(descriptor('monolithicFlat', 'RW 16 FLAT "disk-flat.vmdk" 0'), flat, { name: 'x' }),
  ],
  [
    'two descriptors',
    buildTar(descriptor('monolithicFlat'), { ...descriptor('monolithicFlat'), name: 'b.vmdk' }),
    'tar.several-members',
  ],
];

for (const [what, archive, check = 'tar.vmdk-extent'] of badExtents) {
  test(`refuses a VMDK descriptor with ${what}`, async () => {
    assert.equal((await refusalOfFile(archive)).check, check);
  });
}
