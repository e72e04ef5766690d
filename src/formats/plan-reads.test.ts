import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DataRun } from './disk-map.ts';
import { planReads } from './plan-reads.ts';
import { plainRun } from './run-builder.ts';

const anyRun: fc.Arbitrary<DataRun> = fc
  .record({
    codec: fc.constantFrom('plain' as const, 'deflate' as const),
    offset: fc.nat(1_000_000),
    length: fc.integer({ min: 1, max: 5_000 }),
    fileOffset: fc.nat(20_000),
    fileLength: fc.integer({ min: 1, max: 3_000 }),
  })
  .map(({ codec, offset, length, fileOffset, fileLength }) =>
    codec === 'plain'
      ? plainRun(offset, length, fileOffset)
      : { kind: 'data', codec, offset, length, fileOffset, fileLength, unitLength: length, skip: 0 },
  );

const anyOptions = fc.record({ maxGapBytes: fc.nat(1_000), maxReadBytes: fc.integer({ min: 1, max: 10_000 }) });

/** Which guest byte comes from which file byte, for plain runs; encoded runs stand for themselves. */
function meaning(runs: readonly DataRun[]): string[] {
  return runs
    .flatMap((run) =>
      run.codec === 'plain'
        ? Array.from({ length: run.length }, (_, i) => `${run.offset + i}<${run.fileOffset + i}`)
        : [JSON.stringify(run)],
    )
    .sort();
}

test('plans reads whose pieces are exactly the runs', () => {
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 12 }), anyOptions, (runs, options) => {
      assert.deepEqual(meaning(planReads(runs, options).flatMap((read) => read.runs)), meaning(runs));
    }),
    { numRuns: 200 },
  );
});

test('plans reads that are sorted, within their limit, and hold each of their runs whole', () => {
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 40 }), anyOptions, (runs, options) => {
      let before = -1;
      for (const read of planReads(runs, options)) {
        assert.ok(read.offset > before);
        before = read.offset;
        assert.ok(read.length <= options.maxReadBytes || read.runs.some((run) => run.fileLength === read.length));
        for (const run of read.runs) {
          assert.ok(run.fileOffset >= read.offset);
          assert.ok(run.fileOffset + run.fileLength <= read.offset + read.length);
        }
      }
    }),
  );
});

test('plans one read where gaps and length allow it', () => {
  fc.assert(
    fc.property(fc.array(anyRun, { minLength: 1, maxLength: 40 }), (runs) => {
      assert.equal(planReads(runs, { maxGapBytes: 30_000, maxReadBytes: 100_000 }).length, 1);
    }),
  );
});

test('plans no read over a gap that is too wide', () => {
  const runs = [plainRun(0, 10, 100), plainRun(10, 10, 121), plainRun(20, 10, 141)];
  assert.deepEqual(
    planReads(runs, { maxGapBytes: 10, maxReadBytes: 1000 }).map(({ offset, length }) => [offset, length]),
    [
      [100, 10],
      [121, 30],
    ],
  );
});
