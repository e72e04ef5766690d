import assert from 'node:assert/strict';
import test from 'node:test';
import type { DiskMap } from './disk-map.ts';
import { roundMapUp } from './rounded-map.ts';
import { RunBuilder } from './run-builder.ts';

/** A disk that is one plain run; asking for what is not on it fails. */
function plainDisk(sizeBytes: number): DiskMap {
  return {
    sizeBytes,
    async runs(offset, length) {
      assert.ok(length > 0 && offset + length <= sizeBytes, `${offset}+${length}`);
      const builder = new RunBuilder(offset, length, sizeBytes);
      builder.addPlain(0, sizeBytes, 0);
      return builder.runs;
    },
  };
}

const placesOf = async (map: DiskMap, offset: number, length: number) =>
  (await map.runs(offset, length)).map((run) => [run.kind, run.offset, run.length]);

test('a disk is rounded up by a hole behind its end', async () => {
  const map = roundMapUp(plainDisk(3 * 512), 2048);
  assert.equal(map.sizeBytes, 2048);
  assert.deepEqual(await placesOf(map, 0, 2048), [['data', 0, 1536]]);
  assert.deepEqual(await placesOf(map, 1024, 1024), [['data', 1024, 512]]);
  assert.deepEqual(await placesOf(map, 0, 512), [['data', 0, 512]]);
  assert.deepEqual(await placesOf(map, 1536, 512), []);
});

test('a disk that is a whole number of units long stays as it is', () => {
  const map = plainDisk(4096);
  for (const unitBytes of [1, 512, 2048, 4096]) assert.equal(roundMapUp(map, unitBytes), map);
});
