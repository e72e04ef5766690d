import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  byPath,
  cutAfter,
  etagOf,
  honest,
  inTurn,
  ofWrongLength,
  silent,
  stalledAfter,
  startBadServer,
  status,
  testBytes,
  withoutHead,
} from '../../test/fixtures/bad-server.ts';
import { openSourceBench } from '../../test/fixtures/source-bench.ts';

const MIB = 1024 * 1024;
const file = testBytes(3 * MIB + 12_345);

function assertBytes(actual: Uint8Array, offset: number, expected: Uint8Array = file): void {
  assert.equal(Buffer.compare(actual, expected.subarray(offset, offset + actual.length)), 0, `bytes from ${offset}`);
}

test('reads any range, in memory that threads can share', async () => {
  await using server = await startBadServer(withoutHead(honest(file)));
  await using bench = await openSourceBench();
  const source = await bench.open(`${server.origin}/a.img?sig=secret`);
  assert.equal(source.sizeBytes, file.length);
  assert.equal(source.finalUrl, `${server.origin}/a.img?…`);
  assert.deepEqual(source.identity, {
    url: `${server.origin}/a.img`,
    etag: etagOf(file),
    lastModified: undefined,
    sizeBytes: file.length,
    ranges: true,
    sha256: undefined,
  });
  const ranges = [
    [0, 512],
    [MIB - 1, 2],
    [2 * MIB, MIB],
    [file.length - 1, 1],
    [0, file.length],
    [file.length, 0],
  ] as const;
  for (const [offset, length] of ranges) {
    const bytes = await source.read(offset, length);
    assert.equal(bytes.length, length);
    assert.ok(bytes.buffer instanceof SharedArrayBuffer);
    assertBytes(bytes, offset);
  }
});

test('asks for the beginning once, with the first request, and holds every later one to the ETag', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  for (let offset = 0; offset < MIB; offset += 64 * 1024) assertBytes(await source.read(offset, 64 * 1024), offset);
  assert.equal(server.seen.length, 1);
  assert.equal(server.seen[0]?.headers.range, `bytes=0-${MIB - 1}`);
  assert.equal(server.seen[0]?.headers['accept-encoding'], 'identity');
  await source.read(2 * MIB, 10);
  assert.equal(server.seen[1]?.headers['if-range'], etagOf(file));
  assert.equal(server.seen[1]?.headers.range, `bytes=${2 * MIB}-${2 * MIB + 9}`);
});

test('cuts a long read into windows of 8 MiB, with at most 8 connections', async () => {
  const long = testBytes(37 * MIB + 1);
  await using server = await startBadServer(honest(long));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  assertBytes(await source.read(1, long.length - 1), 1, long);
  assert.equal(server.seen.length, 1 + 5);
  await Promise.all(
    Array.from({ length: 30 }, async (_, i) => assertBytes(await source.read(i * MIB, MIB), i * MIB, long)),
  );
  assert.ok(server.connectionCount() <= 8, `${server.connectionCount()} connections`);
});

test('reads a file shorter than the first request, one of a byte, and an empty one', async () => {
  for (const length of [MIB, 100, 1, 0]) {
    await using server = await startBadServer(honest(testBytes(length)));
    await using bench = await openSourceBench();
    const source = await bench.open(server.origin);
    assert.equal(source.sizeBytes, length);
    assertBytes(await source.read(0, length), 0, testBytes(length));
    assert.equal(server.seen.length, 1);
  }
});

test('refuses a read that leaves the file', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  for (const [offset, length] of [
    [0, file.length + 1],
    [file.length, 1],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [Number.MAX_SAFE_INTEGER, 1],
  ] as const) {
    await assert.rejects(source.read(offset, length), RangeError);
  }
});

test('goes on after a cut connection from the byte it broke at', async () => {
  const cut = cutAfter(file, 300_000);
  await using server = await startBadServer(inTurn(cut, cut, cut, honest(file)));
  await using bench = await openSourceBench();
  const progress: number[] = [];
  const source = await bench.open(server.origin, { onProgress: (bytes) => progress.push(bytes) });
  assertBytes(await source.read(0, file.length), 0);
  const asked = server.seen.map((request) => Number(/\d+/.exec(request.headers.range ?? '')?.[0]));
  assert.ok(
    asked.slice(1).every((offset, i) => i === 0 || offset > (asked[i] ?? 0)),
    String(asked),
  );
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
});

test('goes on when an answer ends early, and cleanly', async () => {
  await using server = await startBadServer(inTurn(honest(file), ofWrongLength(file, -1000), honest(file)));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  assertBytes(await source.read(2 * MIB, 5000), 2 * MIB);
  assert.equal(server.seen[2]?.headers.range, `bytes=${2 * MIB + 4000}-${2 * MIB + 4999}`);
});

test('any read equals the bytes of the file, wherever connections break', async () => {
  const small = testBytes(MIB + 200_000);
  const read = fc.tuple(fc.nat(small.length), fc.nat(300_000));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 4 }),
      fc.array(read, { minLength: 1, maxLength: 6 }),
      async (cuts, reads) => {
        const [first = honest(small), ...others] = cuts.map((bytes) => cutAfter(small, bytes));
        await using server = await startBadServer(inTurn(first, ...others, honest(small)));
        await using bench = await openSourceBench();
        const source = await bench.open(server.origin);
        await Promise.all(
          reads.map(async ([offset, wanted]) => {
            const length = Math.min(wanted, small.length - offset);
            const bytes = await source.read(offset, length);
            assert.equal(bytes.length, length);
            assertBytes(bytes, offset, small);
          }),
        );
      },
    ),
    { numRuns: 25 },
  );
});

test('tries again after 429, 503 and other passing troubles', async () => {
  const troubles = [status(429, { 'retry-after': '3600' }), status(503), status(408), status(500)] as const;
  await using server = await startBadServer(inTurn(...troubles, honest(file)));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  assertBytes(await source.read(0, 100), 0);
  assert.equal(server.seen.length, 5);
});

test('tries again when the server falls silent', async () => {
  await using server = await startBadServer(inTurn(silent, stalledAfter(file, 1000), honest(file)));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin, { limits: { headerTimeoutMs: 50, idleTimeoutMs: 50 } });
  assertBytes(await source.read(0, file.length), 0);
});

test('a cancelled read ends at once, alone', async () => {
  await using server = await startBadServer(inTurn(honest(file), silent, honest(file)));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  const cancel = new AbortController();
  const reason = new Error('not wanted any more');
  const reading = source.read(2 * MIB, 100, { signal: cancel.signal });
  while (server.seen.length < 2) await new Promise(setImmediate);
  cancel.abort(reason);
  await assert.rejects(reading, (error) => error === reason);
  assertBytes(await source.read(2 * MIB, 100), 2 * MIB);
  await assert.rejects(source.read(0, 1, { signal: cancel.signal }), (error) => error === reason);
});

test('a cancelled source ends its reads and connections within 250 ms', async () => {
  await using server = await startBadServer(inTurn(honest(file), stalledAfter(file, 10)));
  await using bench = await openSourceBench();
  const cancel = new AbortController();
  const source = await bench.open(server.origin, { signal: cancel.signal });
  const reads = Promise.allSettled(Array.from({ length: 20 }, (_, i) => source.read(MIB + i, 100_000)));
  while (server.seen.length < 8) await new Promise(setImmediate);
  const start = performance.now();
  const reason = new Error('cancelled');
  cancel.abort(reason);
  for (const outcome of await reads) assert.equal(outcome.status === 'rejected' && outcome.reason, reason);
  await server.quiet();
  assert.ok(performance.now() - start < 250, `${performance.now() - start} ms`);
  assert.equal(server.sockets.size, 0);
  await assert.rejects(source.read(0, 1), (error) => error === reason);
});

test('a cancelled opening ends at once, wherever it is', async () => {
  await using server = await startBadServer(byPath({ '/silent': silent, '/busy': status(503) }));
  await using bench = await openSourceBench();
  for (const path of ['/silent', '/busy']) {
    const cancel = new AbortController();
    const limits = { retryBaseMs: 60_000, retryCapMs: 60_000 };
    const before = server.seen.length;
    const opening = bench.open(server.origin + path, { signal: cancel.signal, limits });
    while (server.seen.length === before) await new Promise(setImmediate);
    const start = performance.now();
    cancel.abort();
    await assert.rejects(opening, { name: 'AbortError' });
    await server.quiet();
    assert.ok(performance.now() - start < 250);
  }
});

test('a disposed source leaves no connection and takes no more reads', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  await source.read(MIB, MIB);
  await source[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  await server.quiet();
  await assert.rejects(source.read(0, 1), { name: 'SourceClosed' });
});
