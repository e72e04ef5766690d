import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import test from 'node:test';
import { pino } from 'pino';
import { authorized, someImage, startApi, type TestApi } from '../../../test/fixtures/api-fixture.ts';
import { dataLoss, failedPrecondition } from '../../errors.ts';
import type { BlockDevice, Extent } from '../../formats/block-device.ts';
import { abortReason } from '../../lib/abort-reason.ts';

const mib = 1024 * 1024;
const etag = '"0123abcd"';

/** A disk of the extents given; data is a pattern of its offset. Counts what is read and whether it was closed. */
class FakeDisk implements BlockDevice {
  readonly contentId = '0123abcd';
  readonly sizeBytes: number;
  readonly #runs: readonly Extent[];
  bytesRead = 0;
  closed = 0;
  /** A read at or past this offset fails. */
  brokenAt = Number.POSITIVE_INFINITY;

  constructor(...runs: readonly [length: number, kind: Extent['kind']][]) {
    let offset = 0;
    this.#runs = runs.map(([length, kind]) => {
      offset += length;
      return { offset: offset - length, length, kind };
    });
    this.sizeBytes = offset;
  }

  async *extents(offset: number, length: number): AsyncIterable<Extent> {
    for (const run of this.#runs) {
      const start = Math.max(run.offset, offset);
      const end = Math.min(run.offset + run.length, offset + length);
      if (end > start) yield { offset: start, length: end - start, kind: run.kind };
    }
  }

  async readAt(target: Uint8Array, offset: number, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    if (options?.signal?.aborted) throw abortReason(options.signal);
    if (offset + target.length > this.brokenAt) throw new Error('a chunk does not match its digest');
    this.bytesRead += target.length;
    target.set(this.plain(offset, target.length));
  }

  /** What a guest reads there. */
  plain(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (const run of this.#runs) {
      if (run.kind !== 'data') continue;
      const end = Math.min(run.offset + run.length, offset + length);
      for (let at = Math.max(run.offset, offset); at < end; at++) bytes[at - offset] = (at * 31 + (at >> 8)) & 0xff;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed += 1;
  }
}

function startWith(disk: FakeDisk): Promise<TestApi> {
  return startApi({ images: { getImage: async () => someImage(), openImageContent: async () => disk } });
}

const contentPath = '/obraz/v1/images/fd8/content';

const smallDisk = () => new FakeDisk([70_000, 'data'], [100_000, 'hole'], [10, 'zero'], [30_000, 'data']);

const cases: readonly { headers: Record<string, string>; status: number; range?: [start: number, end: number] }[] = [
  { headers: {}, status: 200, range: [0, 200_010] },
  { headers: { range: 'bytes=0-0' }, status: 206, range: [0, 1] },
  { headers: { range: 'bytes=69990-170020' }, status: 206, range: [69_990, 170_021] },
  { headers: { range: 'bytes=-5' }, status: 206, range: [200_005, 200_010] },
  { headers: { range: 'bytes=80000-90000' }, status: 206, range: [80_000, 90_001] },
  { headers: { range: 'bytes=200010-' }, status: 416 },
  { headers: { range: 'bytes=1-2', 'if-range': etag }, status: 206, range: [1, 3] },
  { headers: { range: 'bytes=1-2', 'if-range': '"other"' }, status: 200, range: [0, 200_010] },
  { headers: { range: 'bytes=1-2', 'if-range': `W/${etag}` }, status: 200, range: [0, 200_010] },
  { headers: { 'if-none-match': `"a", W/${etag}` }, status: 304 },
  { headers: { 'if-none-match': '*' }, status: 304 },
  { headers: { 'if-none-match': '"a"' }, status: 200, range: [0, 200_010] },
  { headers: { 'if-match': `"a", ${etag}` }, status: 200, range: [0, 200_010] },
  { headers: { 'if-match': '"a"' }, status: 412 },
  { headers: { 'if-match': '"a"', range: 'bytes=1-2' }, status: 412 },
];

for (const { headers, status, range } of cases) {
  test(`content with ${JSON.stringify(headers)} is ${status} ${range ?? ''}`, async () => {
    const disk = smallDisk();
    await using api = await startWith(disk);
    const response = await fetch(api.url + contentPath, { headers: { ...authorized, ...headers } });
    const body = await response.bytes();
    assert.equal(response.status, status);
    assert.equal(response.headers.get('etag'), etag);
    assert.equal(response.headers.get('accept-ranges'), 'bytes');
    if (range !== undefined) {
      const [start, end] = range;
      assert.deepEqual(Buffer.from(body), Buffer.from(disk.plain(start, end - start)));
      assert.equal(response.headers.get('content-length'), String(end - start));
      assert.equal(response.headers.get('content-type'), 'application/octet-stream');
      const contentRange = status === 206 ? `bytes ${start}-${end - 1}/200010` : null;
      assert.equal(response.headers.get('content-range'), contentRange);
    }
    if (status === 416) assert.equal(response.headers.get('content-range'), 'bytes */200010');
    assert.equal(disk.closed, 1);
  });
}

test('HEAD tells the size and the tag, ignores a range, and reads nothing', async () => {
  const disk = smallDisk();
  await using api = await startWith(disk);
  const headers = { ...authorized, range: 'bytes=0-0' };
  const response = await fetch(api.url + contentPath, { method: 'HEAD', headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-length'), '200010');
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="fd8.raw"');
  assert.equal(disk.bytesRead, 0);
  assert.equal(disk.closed, 1);
});

test('data across pieces is right to the last byte, and holes are sent without a read', async () => {
  const disk = new FakeDisk([3 * mib + 7, 'data'], [5 * mib, 'hole'], [1, 'data'], [mib, 'zero'], [2 * mib, 'data']);
  await using api = await startWith(disk);
  const response = await fetch(api.url + contentPath, { headers: authorized });
  assert.deepEqual(Buffer.from(await response.bytes()), Buffer.from(disk.plain(0, disk.sizeBytes)));
  assert.equal(disk.bytesRead, 5 * mib + 8);
});

test('an empty disk is an empty body', async () => {
  await using api = await startWith(new FakeDisk());
  const response = await fetch(api.url + contentPath, { headers: authorized });
  assert.equal(response.status, 200);
  assert.equal((await response.bytes()).length, 0);
});

test('bytes that cannot be read end the connection, and what was sent before is right', async () => {
  const disk = new FakeDisk([8 * mib, 'data']);
  disk.brokenAt = 5 * mib;
  await using api = await startWith(disk);
  const { received, complete } = await download(api);
  assert.ok(!complete);
  assert.ok(received.length <= 5 * mib);
  assert.ok(received.equals(disk.plain(0, received.length)));
  assert.equal(disk.closed, 1);
});

test('a reader that stops reading stops the reads, and one that leaves closes the disk', async () => {
  const disk = new FakeDisk([512 * mib, 'data']);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  disk[Symbol.asyncDispose] = async () => resolve();
  await using api = await startWith(disk);
  const asked = request(api.url + contentPath, { headers: authorized }).end();
  const [response] = await once(asked, 'response');
  // Nobody reads the body: after the buffers of the kernel are full, no more is read from the disk.
  let before = -1;
  while (before !== disk.bytesRead) {
    before = disk.bytesRead;
    await new Promise((done) => setTimeout(done, 200));
  }
  assert.ok(disk.bytesRead < 64 * mib, `${disk.bytesRead}`);
  response.destroy();
  await closed;
});

test('errors before the first byte are statuses', async () => {
  await using api = await startApi({
    images: {
      getImage: async () => someImage(),
      openImageContent: async () => {
        throw failedPrecondition('IMAGE_NOT_READY', 'Image "fd8" has no content yet');
      },
    },
  });
  const early = await fetch(api.url + contentPath, { headers: authorized });
  assert.equal(early.status, 400);
  assert.match(await early.text(), /no content yet/);
  const stranger = await fetch(api.url + contentPath);
  assert.equal(stranger.status, 401);
});

test('content that is damaged at its first byte is an error like any other, over both routes', async () => {
  const damaged = smallDisk();
  damaged.readAt = async () => {
    throw dataLoss('Stored bytes of image "fd8" are damaged or lost.');
  };
  damaged.extents = async function* (offset, length) {
    if (length < damaged.sizeBytes) throw dataLoss('Stored bytes of image "fd8" are damaged or lost.');
    yield { offset, length, kind: 'data' };
  };
  await using api = await startWith(damaged);
  for (const path of [contentPath, '/obraz/v1/images/fd8/extents?offset=1']) {
    const response = await fetch(api.url + path, { headers: authorized });
    const body = (await response.json()) as { code: number; message: string };
    assert.deepEqual([response.status, body.code], [500, 15], path);
    assert.match(body.message, /damaged or lost/);
    assert.equal(response.headers.get('etag'), null);
  }
  assert.equal(damaged.closed, 2);
});

test('storage that is full is told as such', async () => {
  const disk = smallDisk();
  disk.readAt = async () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  await using api = await startWith(disk);
  const response = await fetch(api.url + contentPath, { headers: authorized });
  assert.match(await response.text(), /no storage space left/);
  assert.equal(response.status, 429);
});

test('the log tells the bytes of content that were sent', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  await using api = await startApi({
    log,
    images: { getImage: async () => someImage(), openImageContent: async () => smallDisk() },
  });
  for (const range of ['bytes=0-', 'bytes=69990-170020']) {
    await (await fetch(api.url + contentPath, { headers: { ...authorized, range } })).bytes();
  }
  await api.api.close({ graceMs: 1_000 });
  assert.deepEqual(
    lines.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes])),
    [200_010, 100_031],
  );
});

test('extents are listed, whole and in part', async () => {
  await using api = await startWith(smallDisk());
  const get = async (query: string) => {
    const response = await fetch(`${api.url}/obraz/v1/images/fd8/extents${query}`, { headers: authorized });
    return { status: response.status, body: await response.json() };
  };
  assert.deepEqual((await get('')).body, {
    sizeBytes: '200010',
    extents: [
      { offset: '0', length: '70000', kind: 'data' },
      { offset: '70000', length: '100000', kind: 'hole' },
      { offset: '170000', length: '10', kind: 'zero' },
      { offset: '170010', length: '30000', kind: 'data' },
    ],
  });
  assert.deepEqual((await get('?offset=169990&length=25')).body, {
    sizeBytes: '200010',
    extents: [
      { offset: '169990', length: '10', kind: 'hole' },
      { offset: '170000', length: '10', kind: 'zero' },
      { offset: '170010', length: '5', kind: 'data' },
    ],
  });
  assert.deepEqual((await get('?offset=999999999')).body, { sizeBytes: '200010', extents: [] });
  assert.equal((await get('?offset=-1')).status, 400);
  assert.equal((await get('?length=1e3')).status, 400);
});

test('a very long list of extents arrives whole', async () => {
  const runs = Array.from({ length: 20_000 }, (_, index): [number, 'data' | 'hole'] => [
    4096,
    index % 2 === 0 ? 'data' : 'hole',
  ]);
  await using api = await startWith(new FakeDisk(...runs));
  const response = await fetch(`${api.url}/obraz/v1/images/fd8/extents`, { headers: authorized });
  const body = (await response.json()) as { extents: unknown[] };
  assert.equal(body.extents.length, 20_000);
});

/** The whole body as far as it comes, and whether it came to its end. */
async function download(api: TestApi): Promise<{ received: Buffer; complete: boolean }> {
  const asked = request(api.url + contentPath, { headers: authorized }).end();
  const [response] = await once(asked, 'response');
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'close').catch(() => {});
  return { received: Buffer.concat(chunks), complete: response.complete };
}
