import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { MemorySource } from '../../test/fixtures/memory-source.ts';
import { noise } from '../../test/fixtures/qemu.ts';
import type { Extent, ExtentKind } from './block-device.ts';
import type { DiskMap } from './disk-map.ts';
import { createMappedDevice } from './mapped-device.ts';
import { RunBuilder } from './run-builder.ts';

const block = 512;

type BlockKind = ExtentKind | 'unit';

/** A file, its map and its guest bytes, of blocks of 512 bytes of these kinds; their file order is the reverse of the guest's. */
function diskOf(kinds: readonly BlockKind[]): { file: Buffer; map: DiskMap; guest: Buffer } {
  const guest = Buffer.alloc(kinds.length * block);
  const parts: Buffer[] = [];
  const places = new Map<number, { fileOffset: number; fileLength: number }>();
  let fileOffset = 0;
  for (let i = kinds.length - 1; i >= 0; i--) {
    if (kinds[i] !== 'data' && kinds[i] !== 'unit') continue;
    const bytes = guest.subarray(i * block, (i + 1) * block);
    bytes.set(noise(block, i + 1));
    const part = kinds[i] === 'data' ? bytes : deflateRawSync(bytes);
    places.set(i, { fileOffset, fileLength: part.length });
    parts.push(part);
    fileOffset += part.length;
  }
  const map: DiskMap = {
    sizeBytes: guest.length,
    async runs(offset, length) {
      const builder = new RunBuilder(offset, length, guest.length);
      for (const [i, kind] of kinds.entries()) {
        const place = places.get(i);
        if (kind === 'zero') builder.addZero(i * block, block);
        if (place === undefined) continue;
        if (kind === 'data') builder.addPlain(i * block, block, place.fileOffset);
        else builder.addUnit(i * block, block, { codec: 'deflate', unitLength: block, ...place });
      }
      return builder.runs;
    },
  };
  return { file: Buffer.concat(parts), map, guest };
}

const anyKinds = fc.array(fc.constantFrom<BlockKind>('data', 'unit', 'zero', 'hole'), { minLength: 1, maxLength: 40 });

test('any split of reads equals one read', async () => {
  await fc.assert(
    fc.asyncProperty(anyKinds, fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }), async (kinds, steps) => {
      const { file, map, guest } = diskOf(kinds);
      await using device = createMappedDevice(new MemorySource(file), map);
      const whole = Buffer.alloc(guest.length, 0xaa);
      await device.readAt(whole, 0);
      assert.deepEqual(whole, guest);
      const split = Buffer.alloc(guest.length, 0xaa);
      for (let at = 0, i = 0; at < guest.length; i++) {
        const part = split.subarray(at, at + (steps[i % steps.length] ?? 1));
        await device.readAt(part, at);
        at += part.length;
      }
      assert.deepEqual(split, guest);
    }),
  );
});

test('extents have no gaps, are merged, and say what each block is', async () => {
  await fc.assert(
    fc.asyncProperty(anyKinds, fc.nat(), fc.nat(), async (kinds, a, b) => {
      const { file, map, guest } = diskOf(kinds);
      await using device = createMappedDevice(new MemorySource(file), map);
      const offset = a % guest.length;
      const length = b % (guest.length - offset + 1);
      const extents: Extent[] = await Array.fromAsync(device.extents(offset, length));
      let at = offset;
      let before: ExtentKind | undefined;
      for (const extent of extents) {
        assert.equal(extent.offset, at);
        assert.notEqual(extent.kind, before);
        for (let byte = at; byte < at + extent.length; byte += 1) {
          const kind = kinds[Math.floor(byte / block)];
          assert.equal(extent.kind, kind === 'unit' ? 'data' : kind);
        }
        at += extent.length;
        before = extent.kind;
      }
      assert.equal(at, offset + length);
    }),
    { numRuns: 50 },
  );
});

test('reads a range with one request where the file keeps it close together', async () => {
  const { file, map } = diskOf(['data', 'unit', 'data', 'zero', 'unit']);
  const source = new MemorySource(file);
  await using device = createMappedDevice(source, map);
  await device.readAt(Buffer.alloc(map.sizeBytes), 0);
  assert.deepEqual(source.reads, [{ offset: 0, length: file.length }]);
});

test('decodes a unit once for reads that follow each other', async () => {
  const { file, map } = diskOf(['unit']);
  const source = new MemorySource(file);
  await using device = createMappedDevice(source, map);
  for (let at = 0; at < block; at += 64) await device.readAt(Buffer.alloc(64), at);
  assert.equal(source.reads.length, 1);
});

test('refuses ranges outside the disk, and stops when told to', async () => {
  const { file, map } = diskOf(['data', 'hole']);
  await using device = createMappedDevice(new MemorySource(file), map);
  await assert.rejects(device.readAt(Buffer.alloc(1), 2 * block), RangeError);
  await assert.rejects(device.readAt(Buffer.alloc(1), -1), RangeError);
  await assert.rejects(Array.fromAsync(device.extents(block, block + 1)), RangeError);
  await assert.rejects(device.readAt(Buffer.alloc(1), 0, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assert.rejects(Array.fromAsync(device.extents(0, block, { signal: AbortSignal.abort() })), {
    name: 'AbortError',
  });
});

test('throws what the source throws, after every read in flight has ended', async () => {
  const kinds = Array.from({ length: 400 }, (_, i): BlockKind => (i % 2 === 0 ? 'data' : 'hole'));
  const { file, map } = diskOf(kinds);
  const memory = new MemorySource(file);
  let inFlight = 0;
  const source = {
    sizeBytes: file.length,
    async read(offset: number, length: number) {
      inFlight++;
      await new Promise(setImmediate);
      inFlight--;
      if (offset === 0) throw new Error('the line went dead');
      return memory.read(offset, length);
    },
    async [Symbol.asyncDispose]() {},
  };
  await using device = createMappedDevice(source, map);
  await assert.rejects(device.readAt(Buffer.alloc(map.sizeBytes), 0), /the line went dead/);
  assert.equal(inFlight, 0);
});
