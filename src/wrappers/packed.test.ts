import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { noise, prose } from '../../test/fixtures/qemu.ts';
import { readUnwrapped, refusalOfFile } from '../../test/fixtures/unwrapped.ts';

/** Runs a packer on bytes; for the `skip` option of tests, a reason where it is missing. */
function packWith(tool: string, ...args: string[]): (bytes: Uint8Array) => Buffer {
  return (bytes) => spawnSync(tool, [...args, '-c'], { input: bytes, maxBuffer: 2 ** 28 }).stdout;
}

function without(tool: string, packageName: string): string | false {
  return spawnSync(tool, ['--version'], { input: '' }).error === undefined
    ? false
    : `needs ${tool} (package ${packageName})`;
}

/** Half of it compresses, a third of it is zeros; not a whole number of anything. */
const disk = Buffer.concat([
  noise(512, 4),
  prose(300_000, 1),
  Buffer.alloc(300_000),
  noise(300_000, 2),
  prose(1001, 3),
]);
const padded = Buffer.concat([disk, Buffer.alloc(512 - (disk.length % 512))]);
const skippable = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('skip')]);
const emptyXz = Buffer.from('/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo=', 'base64');

interface Packer {
  readonly layer: string;
  pack(bytes: Uint8Array): Buffer;
  readonly skip: string | false;
  /** Bytes behind the data, from which the format tells that they are none of it. */
  readonly leavesAside: boolean;
}

const packers: readonly Packer[] = [
  { layer: 'gzip', pack: (bytes) => gzipSync(bytes), skip: false, leavesAside: true },
  {
    layer: 'zstd',
    pack: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    skip: false,
    leavesAside: false,
  },
  { layer: 'xz', pack: packWith('xz', '-1'), skip: without('xz', 'xz-utils'), leavesAside: false },
  { layer: 'bzip2', pack: packWith('bzip2', '-1'), skip: without('bzip2', 'bzip2'), leavesAside: true },
];

for (const { layer, pack, skip, leavesAside } of packers) {
  describe(`${layer} files`, { skip }, () => {
    const file = skip ? Buffer.alloc(0) : pack(disk);

    test('are unpacked, byte for byte, and reported', async () => {
      const { bytes, layers, sourceSha256 } = await readUnwrapped(file);
      assert.ok(bytes.equals(padded));
      assert.deepEqual(layers, [
        {
          layer,
          packedBytes: file.length,
          bytes: disk.length,
          streams: layer === 'zstd' ? undefined : 1,
          ignoredBytes: 0,
          notes: [],
        },
      ]);
      assert.equal(sourceSha256, createHash('sha256').update(file).digest('hex'));
    });

    test('may be several, one behind the other', async () => {
      const parts = [disk.subarray(0, 100_000), disk.subarray(100_000, 100_000), disk.subarray(100_000)];
      const { bytes, layers } = await readUnwrapped(Buffer.concat(parts.map(pack)));
      assert.ok(bytes.equals(padded));
      if (layer !== 'zstd') assert.equal(layers[0] && 'streams' in layers[0] && layers[0].streams, 3);
    });

    test('are refused when they are cut short, wherever', async () => {
      for (let length = 16; length < file.length; length += Math.ceil(file.length / 23)) {
        const { check, message } = await refusalOfFile(file.subarray(0, length));
        assert.equal(check, `${layer}.truncated`, `${length}: ${message}`);
        assert.match(message, new RegExp(`byte ${length}`));
      }
      assert.equal((await refusalOfFile(file.subarray(0, -1))).check, `${layer}.truncated`);
    });

    test('are refused when their data is damaged', async () => {
      for (let at = 40; at < file.length - 16; at += Math.ceil(file.length / 17)) {
        const broken = Buffer.from(file);
        broken[at] = (broken[at] ?? 0) ^ 0x10;
        const { check, message } = await refusalOfFile(broken);
        assert.match(check, new RegExp(`^${layer}\\.(damaged|truncated|options|window)$`), `${at}: ${message}`);
      }
    });

    test('may have a little behind them that their own program leaves aside, and no other may', async () => {
      const more = Buffer.concat([file, Buffer.from('a signature, for one')]);
      if (leavesAside) {
        const { bytes, layers } = await readUnwrapped(more);
        assert.ok(bytes.equals(padded));
        assert.equal(layers[0] && 'ignoredBytes' in layers[0] && layers[0].ignoredBytes, 20);
        assert.match(layers[0]?.notes.join() ?? '', /20 bytes behind the/);
        assert.equal((await refusalOfFile(Buffer.concat([file, noise(65_537, 1)]))).check, `${layer}.trailing-bytes`);
      } else {
        assert.match((await refusalOfFile(more)).check, /trailing-bytes|truncated/);
      }
    });

    test('with a page or a text in them are refused for that', async () => {
      const page = pack(Buffer.from('<!DOCTYPE html><html>404</html>'));
      const refusal = await refusalOfFile(page);
      assert.equal(refusal.check, 'raw.not-a-disk');
      assert.match(refusal.message, new RegExp(`^Inside ${layer}: .*HTML`));
      assert.equal((await refusalOfFile(pack(Buffer.from('Not found\n')))).check, 'raw.not-a-disk');
      assert.equal((await refusalOfFile(pack(Buffer.alloc(0)))).check, 'format.empty');
    });

    test('are refused when they hold more than a layer may', async () => {
      const refusal = await refusalOfFile(file, { limits: { maxBytes: 900_000 } });
      assert.equal(refusal.check, `${layer}.too-big`);
    });
  });
}

const gzipHead = Buffer.from('1f8b08000000000000ff', 'hex');
const gzipped = gzipSync(disk);
const withFlags = (flags: number, more: Uint8Array) =>
  Buffer.concat([gzipHead.subarray(0, 3), Buffer.from([flags]), gzipHead.subarray(4), more, gzipped.subarray(10)]);

test('reads what a gzip header may hold', async () => {
  const extra = Buffer.concat([Buffer.from('ffff', 'hex'), Buffer.alloc(65_535, 1)]);
  const name = Buffer.from('disk.raw\0');
  for (const file of [
    withFlags(4, extra),
    withFlags(8, name),
    withFlags(16, name),
    withFlags(2, Buffer.alloc(2)),
    withFlags(30, Buffer.concat([extra, name, name, Buffer.alloc(2)])),
  ]) {
    assert.ok((await readUnwrapped(file)).bytes.equals(padded));
  }
});

const badGzip: readonly (readonly [what: string, file: Buffer, check: string])[] = [
  ['another method', Buffer.concat([Buffer.from('1f8b07', 'hex'), gzipped.subarray(3)]), 'gzip.method'],
  ['flags that mean nothing', withFlags(0xff, Buffer.alloc(0)), 'gzip.flags'],
  ['a name without end', Buffer.concat([withFlags(8, Buffer.alloc(70_000, 'a'))]), 'gzip.header'],
  [
    'a name that the file ends in',
    Buffer.concat([gzipHead.subarray(0, 3), Buffer.from([8]), gzipHead.subarray(4), Buffer.from('abc')]),
    'gzip.truncated',
  ],
  ['a wrong CRC', Buffer.concat([gzipped.subarray(0, -8), Buffer.alloc(4), gzipped.subarray(-4)]), 'gzip.damaged'],
  ['a wrong length', Buffer.concat([gzipped.subarray(0, -4), Buffer.alloc(4)]), 'gzip.damaged'],
  ['its first two bytes alone', gzipped.subarray(0, 2), 'gzip.truncated'],
  ['a second member that is cut short', Buffer.concat([gzipped, gzipped.subarray(0, 300)]), 'gzip.truncated'],
];

for (const [what, file, check] of badGzip) {
  test(`refuses a gzip file with ${what}`, async () => assert.equal((await refusalOfFile(file)).check, check));
}

test('passes over the skippable frames of zstd, also where a file begins with them', async () => {
  const file = zstdCompressSync(disk);
  for (const each of [
    [skippable, file],
    [file, skippable],
    [skippable, file.subarray(0, 0), skippable, file, skippable],
  ]) {
    assert.ok((await readUnwrapped(Buffer.concat(each))).bytes.equals(padded));
  }
});

test('knows zstd by a skippable frame at its beginning, however long', async () => {
  for (const mark of ['50', '5f']) {
    const long = Buffer.alloc(8 + 200_000);
    long.set(Buffer.from(`${mark}2a4d18`, 'hex'));
    long.writeUInt32LE(200_000, 4);
    const { bytes, layers } = await readUnwrapped(Buffer.concat([long, zstdCompressSync(disk)]));
    assert.ok(bytes.equals(padded));
    assert.equal(layers[0]?.layer, 'zstd');
    // Which of the two depends on where the decompressor's pieces end.
    assert.match((await refusalOfFile(Buffer.concat([long, disk]))).check, /^zstd\.(damaged|trailing-bytes)$/);
    assert.equal((await refusalOfFile(long.subarray(0, 100_000))).check, 'zstd.truncated');
  }
});

test('refuses a zstd window that is too large, before it takes the memory', async () => {
  // A frame with a window of 2 GiB and one empty block.
  const bomb = Buffer.from('28b52ffd00a8010000', 'hex');
  const refusal = await refusalOfFile(bomb);
  assert.equal(refusal.check, 'zstd.window');
  assert.match(refusal.message, /67108864 bytes.*unzstd --long=31/);
});

test('refuses packed bytes without end that hold nothing', async () => {
  const frame = Buffer.alloc(8 + 2 ** 20);
  frame.set(Buffer.from('502a4d1800001000', 'hex'));
  const file = Buffer.concat([zstdCompressSync(prose(100, 1)), frame, frame, frame, frame, frame]);
  assert.equal((await refusalOfFile(file, { limits: { maxSilentBytes: 2 ** 21 } })).check, 'zstd.silent');
});

describe('xz files of other kinds', { skip: without('xz', 'xz-utils') }, () => {
  const kinds: readonly (readonly [what: string, args: readonly string[], check: string | undefined])[] = [
    ['no check sums', ['-0', '--check=none'], undefined],
    ['CRC-32', ['-0', '--check=crc32'], undefined],
    ['SHA-256', ['-0', '--check=sha256'], 'xz.check'],
    ['several blocks', ['-0', '-T2', '--block-size=100000'], undefined],
    ['a dictionary of 64 MiB', ['--lzma2=preset=0,dict=64MiB'], undefined],
    ['a dictionary of 96 MiB', ['--lzma2=preset=0,dict=96MiB'], 'xz.dictionary'],
    ['the x86 filter', ['--x86', '--lzma2=preset=0'], 'xz.filter'],
    ['the delta filter', ['--delta', '--lzma2=preset=0'], 'xz.filter'],
  ];
  for (const [what, args, check] of kinds) {
    test(`with ${what} are ${check === undefined ? 'read' : 'refused'}`, async () => {
      const file = packWith('xz', ...args)(disk);
      if (check === undefined) assert.ok((await readUnwrapped(file)).bytes.equals(padded));
      else assert.equal((await refusalOfFile(file)).check, check);
    });
  }

  test('may have zeros between and behind them, a multiple of four', async () => {
    const file = packWith('xz', '-0')(disk);
    const { layers } = await readUnwrapped(Buffer.concat([emptyXz, Buffer.alloc(8), file, Buffer.alloc(4)]));
    assert.equal(layers[0] && 'streams' in layers[0] && layers[0].streams, 2);
    assert.equal((await refusalOfFile(Buffer.concat([file, Buffer.alloc(3)]))).check, 'xz.truncated');
  });

  test('whose index tells of another length than comes out are refused', async () => {
    const file = packWith('xz', '-0', '--check=none')(disk);
    const other = packWith('xz', '-0', '--check=none')(disk.subarray(0, -1));
    const indexBytes = (bytes: Buffer) => (bytes.readUInt32LE(bytes.length - 8) + 1) * 4 + 12;
    const mixed = Buffer.concat([file.subarray(0, -indexBytes(file)), other.subarray(-indexBytes(other))]);
    assert.equal((await refusalOfFile(mixed)).check, 'xz.damaged');
  });
});
