import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteSource } from '../formats/byte-source.ts';
import type { DataRun } from '../formats/disk-map.ts';
import { plainRun } from '../formats/run-builder.ts';
import { createFileGuestReader, maxFetchBytes } from './guest-reader.ts';
import { SpareMemory } from './spare-memory.ts';

const mib = 1024 * 1024;
const stripeBytes = 4 * mib;

/** A file that counts what is read of it at a time. */
function countingSource(): ByteSource & { fetched: number } {
  const source = {
    sizeBytes: 2 ** 40,
    fetched: 0,
    async read(_offset: number, length: number) {
      source.fetched += length;
      return new Uint8Array(length);
    },
    async [Symbol.asyncDispose]() {},
  };
  return source;
}

async function fetchAll(runs: readonly DataRun[], sizeBytes: number) {
  const source = countingSource();
  const reader = createFileGuestReader(source, { sizeBytes, runs: async () => [...runs] });
  const fetches: { length: number; fetched: number; runBytes: number }[] = [];
  for (const stripe of await reader.stripes(0, sizeBytes, stripeBytes)) {
    source.fetched = 0;
    const reads = await stripe.fetch(new SpareMemory());
    const runBytes = reads.flatMap((read) => read.runs).reduce((sum, run) => sum + run.length, 0);
    fetches.push({ length: stripe.length, fetched: source.fetched, runBytes });
  }
  return fetches;
}

test('small gaps are read over: fewer requests', async () => {
  const runs = Array.from({ length: 64 }, (_, index) => plainRun(index * 65_536, 65_536, index * 66_000));
  const [fetch] = await fetchAll(runs, stripeBytes);
  assert.ok(fetch !== undefined && fetch.fetched > stripeBytes && fetch.fetched < stripeBytes * 1.25);
});

test('scattered clusters are not fetched with all that lies between them', async () => {
  const runs = Array.from({ length: 8192 }, (_, index) => plainRun(index * 512, 512, index * 65_536));
  const [fetch] = await fetchAll(runs, stripeBytes);
  assert.equal(fetch?.fetched, stripeBytes);
});

test('no stripe fetches more than its share of memory: it is cut', async () => {
  const runs = Array.from({ length: 4096 }, (_, index): DataRun => {
    const unit = { kind: 'data', codec: 'deflate', skip: 0, unitLength: 1024, length: 1024, fileLength: 2048 } as const;
    return { ...unit, offset: index * 1024, fileOffset: index * 65_536 };
  });
  const fetches = await fetchAll(runs, stripeBytes);
  assert.deepEqual(
    fetches.map(({ length }) => length),
    [mib, mib, mib, mib],
  );
  assert.ok(fetches.every(({ fetched, runBytes }) => fetched <= maxFetchBytes && runBytes === mib));
});
