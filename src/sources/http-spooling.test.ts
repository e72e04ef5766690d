import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  type Behaviour,
  cutAfter,
  honest,
  inTurn,
  silent,
  stalledAfter,
  startBadServer,
  status,
  testBytes,
  withoutRanges,
} from '../../test/fixtures/bad-server.ts';
import { assertFailure, openSourceBench } from '../../test/fixtures/source-bench.ts';
import { HttpObject } from './http-object.ts';
import type { Source } from './source.ts';
import { removeSpool } from './spool-record.ts';

const MIB = 1024 * 1024;
const file = testBytes(5 * MIB + 17);

async function assertReads(source: Source, expected: Uint8Array = file): Promise<void> {
  assert.equal(source.sizeBytes, expected.length);
  assert.equal(Buffer.compare(await source.read(0, expected.length), expected), 0);
  const at = Math.floor(expected.length / 2);
  assert.equal(Buffer.compare(await source.read(at, 3), expected.subarray(at, at + 3)), 0);
}

/** Reads so often that the source makes itself a copy, and waits until it did. */
async function readUntilCopied(source: Source, phases: readonly string[]): Promise<void> {
  while (!phases.includes('spooling')) await source.read(MIB, 4 * MIB);
  await source.read(source.sizeBytes - 1, 1);
}

/** From now on every write to a file finds the disk full. */
async function fillDisk(t: TestContext): Promise<void> {
  await using handle = await open(import.meta.filename);
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  t.mock.method(Object.getPrototypeOf(handle), 'write', () => Promise.reject(full));
}

for (const chunked of [false, true]) {
  test(`copies the file of a server without ranges (${chunked ? 'in chunks' : 'with its length'})`, async () => {
    await using server = await startBadServer(withoutRanges(file, { chunked }));
    await using bench = await openSourceBench();
    const phases: [string, number | undefined][] = [];
    let received = 0;
    const source = await bench.open(server.origin, {
      onPhase: (phase, sizeBytes) => phases.push([phase, sizeBytes]),
      onProgress: (bytes) => {
        received = bytes;
      },
    });
    const spooling = ['spooling', chunked ? undefined : file.length];
    assert.deepEqual(phases, [spooling, ['reading', file.length]]);
    assert.equal(received, file.length);
    assert.equal(source.identity.ranges, false);
    assert.equal(source.identity.sizeBytes, file.length);
    await assertReads(source);
    assert.equal(server.seen.length, 1);
    assert.equal((await stat(bench.spoolPath)).mode & 0o777, 0o600);
  });
}

test('copies a server whose ranges nothing ties together', async () => {
  await using server = await startBadServer(honest(file, {}));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  await assertReads(source);
  assert.equal(source.identity.ranges, false);
  assert.equal(server.seen.length, 2);
  assert.equal(server.seen[1]?.headers.range, undefined);
});

test('copies a server that does not tell the length beside a range', async () => {
  const unknownLength: Behaviour = (request, response) => {
    if (request.headers.range === undefined) return withoutRanges(file)(request, response);
    response.writeHead(206, { 'content-range': `bytes 0-${MIB - 1}/*`, etag: '"a"' }).end(file.subarray(0, MIB));
  };
  await using server = await startBadServer(unknownLength);
  await using bench = await openSourceBench();
  await assertReads(await bench.open(server.origin));
});

test('starts the copy over when the server without ranges breaks off', async () => {
  const cut: Behaviour = (request, response) => {
    delete request.headers.range;
    cutAfter(file, 2 * MIB)(request, response);
  };
  await using server = await startBadServer(inTurn(cut, cut, withoutRanges(file)));
  await using bench = await openSourceBench();
  await assertReads(await bench.open(server.origin));
  assert.equal(server.seen.length, 3);
});

test('gives up, and leaves no file, when the server without ranges always breaks off', async () => {
  const cut: Behaviour = (request, response) => {
    delete request.headers.range;
    cutAfter(file, 2 * MIB)(request, response);
  };
  await using server = await startBadServer(cut);
  await using bench = await openSourceBench();
  assertFailure(await bench.failure(server.origin), 'interrupted', /broke/);
  assert.equal(server.seen.length, 5);
  assert.equal(existsSync(bench.spoolPath), false);
});

test('leaves room on the disk, and no file, when there is too little', async () => {
  await using server = await startBadServer(withoutRanges(file));
  await using bench = await openSourceBench();
  const limits = { minFreeBytes: Number.MAX_SAFE_INTEGER };
  assertFailure(await bench.failure(server.origin, { limits }), 'no-space', /no room/);
  assert.equal(existsSync(bench.spoolPath), false);
});

test('says so when the disk fills up, and leaves no file', async (t) => {
  await fillDisk(t);
  await using server = await startBadServer(withoutRanges(file));
  await using bench = await openSourceBench();
  assertFailure(await bench.failure(server.origin), 'no-space', /disk is full \(ENOSPC\)/);
  assert.equal(existsSync(bench.spoolPath), false);
});

test('goes on with ranges when the disk fills up under the copy', async (t) => {
  await fillDisk(t);
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { onPhase: (phase) => phases.push(phase) });
  await readUntilCopied(source, phases);
  await assertReads(source);
  assert.equal(existsSync(bench.spoolPath), false);
});

test('holds the network back while the disk is slow', async (t) => {
  const long = testBytes(48 * MIB);
  const disk = Promise.withResolvers<void>();
  await using handle = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(handle);
  const { write } = prototype;
  t.mock.method(prototype, 'write', async function (this: unknown, ...rest: unknown[]) {
    await disk.promise;
    return await Reflect.apply(write, this, rest);
  });
  await using server = await startBadServer(withoutRanges(long));
  await using bench = await openSourceBench();
  let received = 0;
  const opening = bench.open(server.origin, {
    onProgress: (bytes) => {
      received = bytes;
    },
  });
  for (let before = -1; received === 0 || received > before; await setTimeout(20)) before = received;
  assert.ok(received < 16 * MIB, `${received} bytes were taken in`);
  disk.resolve();
  await assertReads(await opening, long);
});

test('copies from a server that ends every connection with its answer', async () => {
  for (const length of [10, 100_000, 5 * MIB]) {
    const bytes = testBytes(length);
    const closing: Behaviour = (request) => {
      const head = `HTTP/1.0 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
      request.socket.end(Buffer.concat([Buffer.from(head), bytes]));
    };
    await using server = await startBadServer(closing);
    await using bench = await openSourceBench();
    await assertReads(await bench.open(server.origin), bytes);
  }
});

test('names a place for the copy that cannot be written', async () => {
  await using server = await startBadServer(withoutRanges(file));
  await using bench = await openSourceBench();
  const spoolPath = `${bench.spoolPath}/not/there`;
  assertFailure(await bench.failure(server.origin, { spoolPath }), 'spool-failed', /ENOENT/);
});

test('makes a copy when reads have fetched twice the file, and asks the server no more', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { onPhase: (phase) => phases.push(phase) });
  await readUntilCopied(source, phases);
  const requests = server.seen.length;
  await assertReads(source);
  assert.equal(server.seen.length, requests);
  assert.deepEqual(phases, ['reading', 'spooling', 'reading']);
});

test('makes a copy when reads are many and small', async () => {
  const long = testBytes(40 * MIB);
  await using server = await startBadServer(honest(long));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { onPhase: (phase) => phases.push(phase) });
  for (let i = 0; i < 512; i++) await source.read(MIB + i * 1000, 1000);
  assert.ok(!phases.includes('spooling'));
  await source.read(2 * MIB, 1000);
  assert.ok(phases.includes('spooling'));
  await assertReads(source, long);
});

test('reads on their way when the copy begins still work', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  const reads = Array.from({ length: 40 }, async (_, i) => {
    const offset = MIB + i * 20_000;
    const bytes = await source.read(offset, 2 * MIB);
    assert.equal(Buffer.compare(bytes, file.subarray(offset, offset + bytes.length)), 0);
  });
  await Promise.all(reads);
});

test('goes on with ranges when there is no room for a copy', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const limits = { minFreeBytes: Number.MAX_SAFE_INTEGER };
  const source = await bench.open(server.origin, { limits, onPhase: (phase) => phases.push(phase) });
  await readUntilCopied(source, phases);
  await assertReads(source);
  await assertReads(source);
  assert.deepEqual(phases, ['reading', 'spooling', 'reading']);
  assert.equal(existsSync(bench.spoolPath), false);
});

test('a copy that finds another version fails the reads that wait for it', async () => {
  await using server = await startBadServer(inTurn(honest(file), honest(file), honest(testBytes(5 * MIB + 17, 2))));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  await source.read(0, file.length);
  await assert.rejects(source.read(MIB, MIB * 2), { kind: 'changed' });
});

test('a copy cut off goes on from the missing byte', async () => {
  const read = honest(file);
  const cut = cutAfter(file, 2 * MIB);
  await using server = await startBadServer(inTurn(read, read, read, read, cut, cut, honest(file)));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { onPhase: (phase) => phases.push(phase) });
  await readUntilCopied(source, phases);
  await assertReads(source);
});

test('continues the copy that an earlier run left, if the object is the same', async () => {
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { onPhase: (phase) => phases.push(phase) });
  await readUntilCopied(source, phases);
  await source[Symbol.asyncDispose]();

  // As if the first run had ended after 3 MiB; what the file holds beyond its record is not to be believed.
  const recordPath = `${bench.spoolPath}.json`;
  const record = JSON.parse(await readFile(recordPath, 'utf8'));
  assert.equal(record.durableBytes, file.length);
  await writeFile(recordPath, JSON.stringify({ ...record, durableBytes: 3 * MIB, complete: false }));
  await truncate(bench.spoolPath, 3 * MIB);
  await writeFile(bench.spoolPath, Buffer.alloc(MIB, 0xee), { flag: 'a' });

  const before = server.seen.length;
  const again = await bench.open(server.origin, { expected: source.identity });
  await assertReads(again);
  assert.deepEqual(
    server.seen.slice(before).map((request) => request.headers.range),
    [`bytes=0-${MIB - 1}`, `bytes=${3 * MIB}-${file.length - 1}`],
  );
});

test('starts a copy over when the object changed, or the record is damaged', async () => {
  const other = testBytes(4 * MIB, 7);
  for (const damage of ['changed', 'damaged', 'impossible', 'cut', 'gone']) {
    const changes = damage === 'changed';
    const now = changes ? other : file;
    await using server = await startBadServer(inTurn(withoutRanges(file), withoutRanges(now)));
    await using bench = await openSourceBench();
    await (await bench.open(server.origin))[Symbol.asyncDispose]();
    if (damage === 'cut') await truncate(bench.spoolPath, 100);
    if (damage === 'gone') await rm(bench.spoolPath);
    if (damage === 'damaged') await writeFile(`${bench.spoolPath}.json`, '{"identity":');
    if (damage === 'impossible') await writeFile(`${bench.spoolPath}.json`, '{"identity":{},"durableBytes":-1}');
    await assertReads(await bench.open(server.origin), now);
  }
});

test('goes on from a whole copy without the server, which may have changed or gone', async () => {
  for (const validators of [{}, { etag: '"1"' }]) {
    const server = await startBadServer(withoutRanges(file, { validators }));
    await using bench = await openSourceBench();
    const first = await bench.open(server.origin);
    const expected = JSON.parse(JSON.stringify(first.identity));
    await first[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    const again = await bench.open(server.origin, { expected });
    await assertReads(again);
    assert.deepEqual(JSON.parse(JSON.stringify(again.identity)), expected);
  }
});

test('does not take the copy of an object without validators for the object of now', async () => {
  const other = testBytes(file.length, 3);
  const options = { validators: {} };
  await using server = await startBadServer(inTurn(withoutRanges(file, options), withoutRanges(other, options)));
  await using bench = await openSourceBench();
  const first = await bench.open(server.origin);
  await first[Symbol.asyncDispose]();
  await assertReads(await bench.open(server.origin), other);
  await removeSpool(bench.spoolPath);
  const failure = await bench.failure(server.origin, { expected: first.identity });
  assertFailure(failure, 'changed', /neither ETag nor Last-Modified/);
});

test('uses a whole copy again without receiving the file again', async () => {
  await using server = await startBadServer(withoutRanges(file));
  await using bench = await openSourceBench();
  await (await bench.open(server.origin))[Symbol.asyncDispose]();
  let received = 0;
  const source = await bench.open(server.origin, {
    onProgress: (bytes) => {
      received = bytes;
    },
  });
  await assertReads(source);
  assert.ok(received < file.length, `${received} bytes`);
});

test('discarding deletes the copy and its record; so does removing it from outside', async () => {
  await using server = await startBadServer(withoutRanges(file));
  await using bench = await openSourceBench();
  const files = [bench.spoolPath, `${bench.spoolPath}.json`];
  const source = await bench.open(server.origin);
  await source.discardSpool();
  assert.deepEqual(files.map(existsSync), [false, false]);

  await (await bench.open(server.origin))[Symbol.asyncDispose]();
  assert.deepEqual(files.map(existsSync), [true, true]);
  await removeSpool(bench.spoolPath);
  await removeSpool(bench.spoolPath);
  assert.deepEqual(files.map(existsSync), [false, false]);
});

test('a cancelled copy ends within 250 ms and keeps what is there', async () => {
  const read = honest(file);
  const stalled = stalledAfter(file, 3 * MIB);
  await using server = await startBadServer(inTurn(read, read, read, read, stalled, silent));
  await using bench = await openSourceBench();
  const cancel = new AbortController();
  const phases: string[] = [];
  const source = await bench.open(server.origin, { signal: cancel.signal, onPhase: (phase) => phases.push(phase) });
  while (!phases.includes('spooling')) await source.read(MIB, 4 * MIB);
  await source.read(2 * MIB, 100);
  const waiting = source.read(4 * MIB, 10);
  const start = performance.now();
  cancel.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await source[Symbol.asyncDispose]();
  await server.quiet();
  assert.ok(performance.now() - start < 250, `${performance.now() - start} ms`);
  const record = JSON.parse(await readFile(`${bench.spoolPath}.json`, 'utf8'));
  assert.ok(record.durableBytes >= 2 * MIB && record.durableBytes < file.length);
});

test('a server that gives nothing for the copy fails it like any read', async () => {
  await using server = await startBadServer(
    inTurn(honest(file), honest(file), honest(file), honest(file), status(404)),
  );
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  for (let i = 0; i < 3; i++) await source.read(MIB, 4 * MIB);
  await assert.rejects(source.read(MIB, 4 * MIB), { kind: 'not-found' });
  assert.equal((await source.read(0, 100)).length, 100);
});

test('a copy that fails of a mistake of ours fails the reads that wait for it', async (t) => {
  t.mock.method(HttpObject.prototype, 'getRange', () => Promise.reject(new TypeError('a mistake of ours')));
  await using server = await startBadServer(honest(file));
  await using bench = await openSourceBench();
  const source = await bench.open(server.origin);
  const signal = AbortSignal.timeout(2_000);
  await assert.rejects(source.digest('sha256', { signal }), TypeError);
});
