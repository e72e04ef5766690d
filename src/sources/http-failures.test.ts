import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  type Behaviour,
  cutAfter,
  dripping,
  endless,
  headerFlood,
  honest,
  inTurn,
  lying,
  ofWrongLength,
  rawBytes,
  silent,
  stalledAfter,
  startBadServer,
  status,
  testBytes,
  withoutRanges,
} from '../../test/fixtures/bad-server.ts';
import { assertFailure, openSourceBench } from '../../test/fixtures/source-bench.ts';
import type { HttpLimits } from './http-limits.ts';
import type { Source } from './source.ts';
import { SourceFailed, type SourceFailure } from './source-failed.ts';
import { parseRetryAfter } from './status-failure.ts';

const MIB = 1024 * 1024;
const file = testBytes(2 * MIB);
const otherFile = testBytes(2 * MIB, 2);
const readTail = (source: Source) => source.read(MIB, 5000);

interface Row {
  readonly when: string;
  readonly behaviour: Behaviour;
  readonly kind: SourceFailure;
  readonly says: RegExp;
  readonly limits?: Partial<HttpLimits>;
  /** Requests that reach the server: whether it was tried again. */
  readonly requests?: number;
}

const first: readonly Row[] = [
  { when: '404', behaviour: status(404), kind: 'not-found', says: /no such file \(404\)/, requests: 1 },
  { when: '410', behaviour: status(410), kind: 'not-found', says: /410/, requests: 1 },
  { when: '403', behaviour: status(403), kind: 'forbidden', says: /pre-signed/, requests: 1 },
  { when: '401', behaviour: status(401), kind: 'forbidden', says: /401/, requests: 1 },
  { when: '400', behaviour: status(400), kind: 'server-error', says: /status 400/, requests: 1 },
  { when: '500', behaviour: status(500), kind: 'server-error', says: /status 500/, requests: 5 },
  { when: '429', behaviour: status(429, { 'retry-after': '1' }), kind: 'server-error', says: /429/, requests: 5 },
  { when: '204', behaviour: status(204), kind: 'server-error', says: /204/, requests: 1 },
  {
    when: 'a Content-Encoding',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-encoding': 'gzip' })),
    kind: 'misbehaved',
    says: /Content-Encoding/,
    requests: 1,
  },
  { when: 'headers without end', behaviour: headerFlood, kind: 'misbehaved', says: /more headers/, requests: 1 },
  { when: 'no HTTP', behaviour: rawBytes('SSH-2.0-OpenSSH_9\r\n'), kind: 'misbehaved', says: /not HTTP/, requests: 1 },
  { when: 'no answer', behaviour: rawBytes(''), kind: 'interrupted', says: /connection broke/, requests: 5 },
  {
    when: 'a body of unknown end',
    behaviour: rawBytes('HTTP/1.0 200 OK\r\n\r\nsome bytes'),
    kind: 'misbehaved',
    says: /neither the length/,
    requests: 1,
  },
  {
    when: 'chunks that are none',
    behaviour: rawBytes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello'),
    kind: 'misbehaved',
    says: /not HTTP/,
    requests: 1,
  },
  {
    when: 'chunks and no last one',
    behaviour: rawBytes('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n'),
    kind: 'interrupted',
    says: /connection broke/,
    requests: 5,
  },
  {
    when: 'a body without end',
    behaviour: endless,
    kind: 'too-big',
    says: /longer than 1000000 bytes/,
    limits: { maxBytes: 1_000_000 },
    requests: 1,
  },
  {
    when: 'a file beyond the limit',
    behaviour: honest(file),
    kind: 'too-big',
    says: /has 2097152 bytes/,
    limits: { maxBytes: 2 * MIB - 1 },
    requests: 1,
  },
  {
    when: 'a whole file beyond the limit',
    behaviour: withoutRanges(file),
    kind: 'too-big',
    says: /has 2097152 bytes/,
    limits: { maxBytes: 2 * MIB - 1 },
    requests: 1,
  },
  {
    when: 'silence',
    behaviour: silent,
    kind: 'too-slow',
    says: /too long to answer/,
    limits: { headerTimeoutMs: 20 },
    requests: 5,
  },
  {
    when: 'bytes, and then silence',
    behaviour: stalledAfter(file, 10),
    kind: 'too-slow',
    says: /fell silent/,
    limits: { idleTimeoutMs: 20 },
  },
  {
    when: 'a byte now and then',
    behaviour: dripping(file, 1, 5),
    kind: 'too-slow',
    says: /bytes a second; at least 10000/,
    limits: { idleTimeoutMs: 1000, minBytesPerSecond: 10_000, rateWindowMs: 100 },
    requests: 1,
  },
  {
    when: 'a range from elsewhere',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-range': `bytes 1-${MIB}/${2 * MIB}` })),
    kind: 'misbehaved',
    says: /another range/,
    requests: 1,
  },
  {
    when: 'a range without Content-Range',
    behaviour: lying(file, ({ 'content-range': _, ...headers }) => headers),
    kind: 'misbehaved',
    says: /another range/,
    requests: 1,
  },
  {
    when: 'more than announced',
    behaviour: ofWrongLength(file, 1),
    kind: 'misbehaved',
    says: /more bytes/,
    requests: 1,
  },
];

/** Failures of a second request, after a first one that was answered honestly. */
const later: readonly Row[] = [
  { when: 'another file', behaviour: honest(otherFile), kind: 'changed', says: /another ETag/, requests: 2 },
  {
    when: 'a longer file',
    behaviour: honest(testBytes(3 * MIB)),
    kind: 'changed',
    says: /had 2097152 bytes/,
    requests: 2,
  },
  { when: 'a file cut short', behaviour: honest(testBytes(10)), kind: 'changed', says: /now has 10/, requests: 2 },
  { when: 'no file', behaviour: status(404), kind: 'not-found', says: /404/, requests: 2 },
  { when: '412', behaviour: status(412), kind: 'changed', says: /no longer the version/, requests: 2 },
  { when: 'the whole file', behaviour: withoutRanges(file), kind: 'misbehaved', says: /whole file/, requests: 2 },
  {
    when: 'another whole file',
    behaviour: withoutRanges(otherFile),
    kind: 'changed',
    says: /another ETag/,
    requests: 2,
  },
  {
    when: 'no ETag any more',
    behaviour: honest(file, {}),
    kind: 'changed',
    says: /another ETag/,
    requests: 2,
  },
  {
    when: 'the range before',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-range': `bytes 0-4999/${2 * MIB}` })),
    kind: 'misbehaved',
    says: /another range/,
    requests: 2,
  },
  {
    when: 'no total',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-range': `bytes ${MIB}-${MIB + 4999}/*` })),
    kind: 'misbehaved',
    says: /how long/,
    requests: 2,
  },
  {
    when: 'another Content-Length',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-length': '5001' })),
    kind: 'misbehaved',
    says: /another range/,
    requests: 2,
  },
  {
    when: 'a byte more',
    behaviour: ofWrongLength(file, 1),
    kind: 'misbehaved',
    says: /more than the 5000/,
    requests: 2,
  },
  {
    when: 'never all',
    behaviour: ofWrongLength(file, -1),
    kind: 'misbehaved',
    says: /only/,
    requests: 6,
  },
  { when: 'cuts and no bytes', behaviour: cutAfter(file, 0), kind: 'interrupted', says: /broke/, requests: 6 },
  { when: '503 for good', behaviour: status(503), kind: 'server-error', says: /503/, requests: 6 },
  {
    when: 'a Content-Encoding',
    behaviour: lying(file, (headers) => ({ ...headers, 'content-encoding': 'br' })),
    kind: 'misbehaved',
    says: /Content-Encoding/,
    requests: 2,
  },
];

for (const row of first) {
  test(`cannot be opened when the server answers with ${row.when}`, async () => {
    await using server = await startBadServer(row.behaviour);
    await using bench = await openSourceBench();
    const uri = `${server.origin}/a?sig=secret`;
    const failure = await bench.failure(uri, { limits: row.limits }, readTail);
    assertFailure(failure, row.kind, row.says);
    if (row.requests !== undefined) assert.equal(server.seen.length, row.requests);
    await server.quiet();
  });
}

for (const row of later) {
  test(`fails when a later answer is ${row.when}`, async () => {
    await using server = await startBadServer(inTurn(honest(file), row.behaviour));
    await using bench = await openSourceBench();
    const failure = await bench.failure(`${server.origin}/a?sig=secret`, { limits: row.limits }, readTail);
    assertFailure(failure, row.kind, row.says);
    if (row.requests !== undefined) assert.equal(server.seen.length, row.requests);
  });
}

test('holds weak ETags, and times without ETags, against every answer', async () => {
  const monday = 'Mon, 05 Jan 2026 00:00:00 GMT';
  const tuesday = 'Tue, 06 Jan 2026 00:00:00 GMT';
  const pairs = [
    [{ etag: 'W/"1"' }, { etag: 'W/"1"' }, true],
    [{ etag: 'W/"1"' }, { etag: 'W/"2"' }, false],
    [{ etag: 'W/"1"', lastModified: monday }, { etag: 'W/"1"', lastModified: tuesday }, false],
    [{ lastModified: monday }, { lastModified: monday }, true],
    [{ lastModified: monday }, { lastModified: tuesday }, false],
    [{ lastModified: monday }, {}, false],
  ] as const;
  for (const [before, after, same] of pairs) {
    await using server = await startBadServer(inTurn(honest(file, before), honest(file, after)));
    await using bench = await openSourceBench();
    const source = await bench.open(server.origin);
    if (same) assert.equal(Buffer.compare(await readTail(source), file.subarray(MIB, MIB + 5000)), 0);
    else await assert.rejects(readTail(source), { kind: 'changed' });
    assert.equal(server.seen[1]?.headers['if-range'], undefined);
  }
});

test('names a server that is not there, and a name that does not resolve', async () => {
  await using bench = await openSourceBench();
  const server = await startBadServer(silent);
  await server[Symbol.asyncDispose]();
  assertFailure(await bench.failure(server.origin), 'unreachable', /refused the connection/);
  assertFailure(await bench.failure('http://no-such-name.invalid/'), 'name-not-resolved', /no-such-name\.invalid/);
});

test('an object that is not the expected one cannot be opened', async () => {
  await using server = await startBadServer(inTurn(honest(file), honest(file), honest(otherFile), honest(file, {})));
  await using bench = await openSourceBench();
  const { identity } = await bench.open(server.origin);
  const expected = JSON.parse(JSON.stringify(identity));
  await bench.open(server.origin, { expected });
  assertFailure(await bench.failure(server.origin, { expected }), 'changed', /another ETag/);
  assertFailure(await bench.failure(server.origin, { expected }), 'changed', /another ETag/);
});

test('whatever bytes a server answers with, a source opens or fails as a source does', async () => {
  const values = [
    '0',
    '5',
    '6',
    '-1',
    'x',
    '',
    'bytes 0-4/5',
    'bytes 0-4/6',
    'bytes 1-5/6',
    'bytes */0',
    'bytes */9',
    'gzip',
  ];
  const moreValues = [
    'chunked',
    'close',
    '"a"',
    'W/"a"',
    '"\u00e9"',
    '/',
    'http://',
    'file:///',
    '99999999999999999999',
  ];
  const names = ['content-length', 'content-range', 'content-encoding', 'transfer-encoding', 'connection', 'etag'];
  const moreNames = ['last-modified', 'location', 'retry-after', 'upgrade', '__proto__', 'constructor'];
  const header = fc.tuple(fc.constantFrom(...names, ...moreNames), fc.constantFrom(...values, ...moreValues));
  const status = fc.constantFrom(100, 101, 103, 200, 204, 206, 206, 206, 302, 304, 416, 429, 500, 999);
  const body = fc.constantFrom('', 'hello', 'hello!', '5\r\nhello\r\n0\r\n\r\n', '5\r\nhel', '\0\0\0');
  const limits = { headerTimeoutMs: 200, idleTimeoutMs: 200, attempts: 2 };
  await fc.assert(
    fc.asyncProperty(status, fc.array(header, { maxLength: 5 }), body, async (code, headers, text) => {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      await using server = await startBadServer(rawBytes(`HTTP/1.1 ${code} X\r\n${lines}\r\n${text}`));
      await using bench = await openSourceBench();
      try {
        const source = await bench.open(server.origin, { limits });
        assert.equal((await source.read(0, source.sizeBytes)).length, source.sizeBytes);
      } catch (error) {
        assert.ok(error instanceof SourceFailed, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('reads Retry-After in both forms', () => {
  const now = Date.parse('2026-01-05T00:00:00Z');
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter('Mon, 05 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(parseRetryAfter('Mon, 05 Jan 2020 00:00:30 GMT', now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});
