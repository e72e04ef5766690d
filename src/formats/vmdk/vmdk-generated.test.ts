import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noise } from '../../../test/fixtures/guest.ts';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { readDisk } from '../../../test/fixtures/read-disk.ts';
import {
  buildStreamVmdk,
  buildVmdk,
  descriptorText,
  encodedGrain,
  entriesPerTable,
  grainBytes,
  grainPattern,
  grainSector,
} from '../../../test/fixtures/vmdk-builder.ts';

interface Disk {
  /** In sectors. */
  readonly capacity: number;
  /** By the grain's index, ascending; no two are one. */
  readonly grains: readonly { readonly index: number; readonly seed: number; readonly compresses: boolean }[];
}

/** Disks that end anywhere, with grains anywhere in them, of which some grow when they are compressed. */
function disks(maxGrains: number): fc.Arbitrary<Disk> {
  return fc.integer({ min: 1, max: maxGrains * 8 }).chain((capacity) =>
    fc.record({
      capacity: fc.constant(capacity),
      grains: fc
        .uniqueArray(
          fc.record({ index: fc.nat(Math.ceil(capacity / 8) - 1), seed: fc.nat(9), compresses: fc.boolean() }),
          { selector: ({ index }) => index, maxLength: 12 },
        )
        .map((grains) => grains.toSorted((a, b) => a.index - b.index)),
    }),
  );
}

function bytesOf({ seed, compresses }: Disk['grains'][number]): Buffer {
  return compresses ? grainPattern(seed) : noise(grainBytes, seed);
}

function guestOf({ capacity, grains }: Disk): Buffer {
  const whole = Buffer.alloc(Math.ceil(capacity / 8) * grainBytes);
  for (const grain of grains) whole.set(bytesOf(grain), grain.index * grainBytes);
  return whole.subarray(0, capacity * 512);
}

/** The directory in front, and grains in any order behind it. */
function inFront(disk: Disk, compressed: boolean, order: readonly number[]): Buffer {
  const places = disk.grains.map((grain, i) => ({ grain, key: order[i % order.length] ?? 0 }));
  const stored = places.toSorted((a, b) => a.key - b.key).map(({ grain }) => grain);
  const table = Array.from({ length: entriesPerTable }, () => 0);
  for (const [place, { index }] of stored.entries()) table[index] = grainSector(place);
  return buildVmdk({
    compressed,
    header: { capacity: disk.capacity },
    descriptor: descriptorText({
      type: compressed ? 'streamOptimized' : 'monolithicSparse',
      capacity: disk.capacity,
    }),
    grains: stored.map((grain) => (compressed ? encodedGrain(grain.index, bytesOf(grain)) : bytesOf(grain))),
    table,
  });
}

test('reads any disk of one table, plain or compressed, whatever the order of its grains', async () => {
  const order = fc.array(fc.nat(), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(disks(entriesPerTable), fc.boolean(), order, async (disk, compressed, keys) => {
      const { bytes } = await readDisk(new MemorySource(inFront(disk, compressed, keys)));
      assert.ok(bytes.equals(guestOf(disk)));
    }),
    { numRuns: 300 },
  );
});

test('reads any stream of up to five tables, between the grains or together behind them', async () => {
  await fc.assert(
    fc.asyncProperty(disks(5 * entriesPerTable), fc.boolean(), async (disk, tablesTogether) => {
      const grains = disk.grains.map((grain) => [grain.index, bytesOf(grain)] as const);
      const file = buildStreamVmdk({ capacity: disk.capacity, grains, tablesTogether });
      const { bytes } = await readDisk(new MemorySource(file));
      assert.ok(bytes.equals(guestOf(disk)));
    }),
    { numRuns: 300 },
  );
});
