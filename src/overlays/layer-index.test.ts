import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { regionBlocks, zeros } from './index-region.ts';
import { LayerIndex } from './layer-index.ts';

const noCounts = { taken() {}, freed() {} };

/** What an index says of blocks, next to what was said to it. */
function painted(index: LayerIndex, block: number, count: number): { places: number[]; checksums: number[] } {
  const places = new Uint32Array(count);
  const checksums = new Uint32Array(count);
  index.paint(block, count, places, checksums);
  return {
    places: [...places],
    checksums: [...checksums].map((checksum, at) => ((places[at] ?? 0) > zeros ? checksum : 0)),
  };
}

const near = fc.integer({ min: regionBlocks - 40, max: regionBlocks + 40 });
const changes = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('data' as const), block: near, count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('zero' as const), block: near, count: fc.integer({ min: 1, max: 60 }) }),
  ),
  { maxLength: 60 },
);

test('says of every block what was said last, across regions, and counts what is in use', () => {
  fc.assert(
    fc.property(changes, (steps) => {
      const inUse = new Set<number>();
      const index = new LayerIndex({
        taken: (place) => assert.ok(!inUse.has(place) && inUse.add(place)),
        freed: (place) => assert.ok(inUse.delete(place)),
      });
      const model = new Map<number, { place: number; checksum: number }>();
      let place = 100;
      for (const { kind, block, count } of steps) {
        if (kind === 'zero') index.setZero(block, count);
        for (let at = block; at < block + count; at += 1) {
          place += 1;
          if (kind === 'data') index.setData(at, place, place * 7);
          model.set(at, kind === 'data' ? { place, checksum: place * 7 } : { place: zeros, checksum: 0 });
        }
      }
      const first = regionBlocks - 100;
      const said = painted(index, first, 300);
      for (let at = 0; at < 300; at += 1) {
        const known = model.get(first + at);
        assert.equal(said.places[at], known?.place ?? 0);
        assert.equal(said.checksums[at], known?.checksum ?? 0);
        assert.equal(index.isZero(first + at, 1), known?.place === zeros);
      }
      assert.equal(inUse.size, [...model.values()].filter((known) => known.place !== zeros).length);
    }),
    { numRuns: 200 },
  );
});

test('keeps what it has when a region becomes a table', () => {
  const index = new LayerIndex(noCounts);
  // Every other block, from the end to the front, and zeros between some of them.
  for (let block = regionBlocks - 2; block >= 0; block -= 2) index.setData(block, block + 10, block);
  index.setZero(1, 1);
  for (let block = 3; block < 2_000; block += 2) index.setData(block, block + 10, block);
  const { places } = painted(index, 0, regionBlocks);
  for (const [block, place] of places.entries()) {
    const expected = block === 1 ? zeros : block % 2 === 0 || block < 2_000 ? block + 10 : 0;
    assert.equal(place, expected, `block ${block}`);
  }
  index.setZero(0, regionBlocks);
  assert.ok(index.isZero(0, regionBlocks));
});

test('costs 16 bytes at most for a random block, and 2 KiB for 64 MiB of zeros', () => {
  const index = new LayerIndex(noCounts);
  const random = 100_000;
  for (let at = 0; at < random; at += 1) {
    // Spread over 1 TiB by a stride that meets no block twice.
    index.setData((at * 2_654_435_761) % 2 ** 28, at + 2, 0);
  }
  assert.ok(index.memoryBytes <= random * 16, `${index.memoryBytes / random} bytes a block`);
  const trimmed = new LayerIndex(noCounts);
  trimmed.setZero(0, 100 * regionBlocks);
  assert.ok(trimmed.memoryBytes <= 100 * (regionBlocks / 8 + 64));
});
