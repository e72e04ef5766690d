import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MemorySource } from '../../test/fixtures/memory-source.ts';
import { buildQcow2 } from '../../test/fixtures/qcow2-builder.ts';
import { noise, temporaryFolder } from '../../test/fixtures/qemu.ts';
import { buildTar, paxEntry } from '../../test/fixtures/tar-builder.ts';
import { readUnwrapped, refusalOfFile } from '../../test/fixtures/unwrapped.ts';
import { UnpackFailed } from './unpack-failed.ts';
import { unwrap } from './unwrap.ts';

const disk = noise(100_000, 1);

test('leaves a file alone that has nothing around it', async () => {
  const source = new MemorySource(buildQcow2());
  await using unwrapped = await unwrap(source, { workPath: '/nowhere' });
  assert.equal(unwrapped.source, source);
  assert.deepEqual([unwrapped.layers, unwrapped.sourceSha256], [[], undefined]);
});

test('takes three layers off and refuses a fourth, before it unpacks the third', async () => {
  const inner = gzipSync(buildTar({ data: zstdCompressSync(buildQcow2()) }));
  const { layers, format, sourceSha256 } = await readUnwrapped(inner);
  assert.deepEqual(
    layers.map(({ layer }) => layer),
    ['gzip', 'tar', 'zstd'],
  );
  assert.equal(format, 'qcow2');
  assert.equal(sourceSha256, createHash('sha256').update(inner).digest('hex'));
  const four = await refusalOfFile(gzipSync(inner));
  assert.equal(four.check, 'layers.too-many');
  const archives = buildTar({ data: buildTar({ data: buildTar({ data: buildTar({ data: disk }) }) }) });
  assert.match(
    (await refusalOfFile(archives)).reason,
    /^Inside tar \(disk.raw\) > tar \(disk.raw\) > tar \(disk.raw\): /,
  );
});

test('refuses what is in the layers by its own rule, and says where it was', async () => {
  const backed = buildQcow2({ header: { backing_file_offset: 512, backing_file_size: 11 } });
  const refusal = await refusalOfFile(gzipSync(buildTar({ data: backed })));
  assert.equal(refusal.check, 'qcow2.backing-file');
  assert.match(refusal.reason, /^Inside gzip > tar \(disk.raw\): The file is a layer on top of another/);
  const bomb = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(10_000_000)]);
  const zip = await refusalOfFile(zstdCompressSync(bomb), { limits: { maxBytes: 1_000_000 } });
  assert.equal(zip.check, 'format.wrapped', 'by its beginning, before all of it was unpacked');
  const header = await refusalOfFile(gzipSync(buildTar(paxEntry([['size', 'x']]), { data: disk })));
  assert.match(header.reason, /^Inside gzip: The tar archive/);
});

test('refuses a tar that is a disk of a format, too', async () => {
  const polyglot = buildTar({ name: 'QFI\xfb\0\0\0\x03', data: disk });
  polyglot.set([0x51, 0x46, 0x49, 0xfb], 0);
  assert.equal((await refusalOfFile(polyglot)).check, 'format.ambiguous');
});

test('costs no room for zeros, and knows where they are', async () => {
  await using folder = await temporaryFolder();
  const sparse = Buffer.concat([noise(4096, 1), Buffer.alloc(30_000_000), noise(4096, 2)]);
  const workPath = folder.path('work');
  await using unwrapped = await unwrap(new MemorySource(gzipSync(sparse)), { workPath });
  const { size, blocks } = await stat(`${workPath}-1`);
  assert.equal(size, sparse.length);
  assert.ok(blocks * 512 < 100_000, `${blocks} blocks`);
  const held = [...(unwrapped.source.dataRanges?.(0, sparse.length) ?? [])];
  assert.ok(held.reduce((sum, { length }) => sum + length, 0) <= 2 ** 21, JSON.stringify(held));
  assert.ok(sparse.equals(await unwrapped.source.read(0, sparse.length)));
});

test('uses again what an earlier run unpacked of the same version, and of no other', async () => {
  await using folder = await temporaryFolder();
  const workPath = folder.path('work');
  const file = gzipSync(buildTar({ data: zstdCompressSync(disk) }));
  const run = async (sourceKey: string | undefined) => {
    const source = new MemorySource(file);
    const { bytes, layers, sourceSha256 } = await readUnwrapped(source, { workPath, sourceKey });
    assert.ok(bytes.subarray(0, disk.length).equals(disk));
    assert.deepEqual(
      layers.map(({ layer }) => layer),
      ['gzip', 'tar', 'zstd'],
    );
    assert.equal(sourceSha256, createHash('sha256').update(file).digest('hex'));
    return source.reads.length;
  };
  assert.ok((await run('one')) > 0);
  assert.deepEqual((await readdir(dirname(workPath))).toSorted(), ['work-3', 'work.json']);
  assert.equal(await run('one'), 0);
  assert.ok((await run('two')) > 0);
  assert.ok((await run(undefined)) > 0);
  assert.deepEqual(await readdir(dirname(workPath)), ['work-3']);
});

test('ends when there is no room, and says so', async () => {
  await using folder = await temporaryFolder();
  const unwrapping = unwrap(new MemorySource(gzipSync(disk)), {
    workPath: folder.path('work'),
    limits: { minFreeBytes: Number.MAX_SAFE_INTEGER },
  });
  await assert.rejects(unwrapping, (error) => error instanceof UnpackFailed && error.kind === 'no-space');
});

test('ends with the reason of its signal, or of its source', async () => {
  await using folder = await temporaryFolder();
  const abort = new AbortController();
  const source = new MemorySource(gzipSync(noise(3_000_000, 1)));
  const workPath = folder.path('work');
  const onUnpacking = () => abort.abort(new Error('stopped'));
  await assert.rejects(unwrap(source, { workPath, signal: abort.signal, onUnpacking }), { message: 'stopped' });
  const failing = {
    sizeBytes: 10_000_000,
    read: async (offset: number, length: number) => {
      if (offset > 0) throw new Error('connection lost');
      return await source.read(0, Math.min(length, source.sizeBytes));
    },
    async [Symbol.asyncDispose]() {},
  };
  await assert.rejects(unwrap(failing, { workPath }), { message: 'connection lost' });
});
