import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { BlobFailed } from '../../src/blobs/blob-failed.ts';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { openS3Blobs } from '../../src/blobs/s3/open-s3-blobs.ts';
import type { S3Limits } from '../../src/blobs/s3/s3-requests.ts';
import type { S3Settings } from '../../src/blobs/s3/s3-settings.ts';
import { partBytes } from '../../src/blobs/s3/s3-writer.ts';
import { put } from '../contract/blob-store-suite.ts';
import { errorAnswer, flipped, type S3Answer, type S3Proxy, startS3Proxy, type Trouble } from '../fixtures/s3-proxy.ts';
import { type S3Server, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** A bucket behind a line that fails and lies: what is stored and read is right, or it is an error in time. */

const hurried: Partial<S3Limits> = {
  connectMs: 1_000,
  idleMs: 250,
  attemptMs: 3_000,
  deadlineMs: 3_000,
  firstWaitMs: 5,
};
const content = randomBytes(2 * partBytes + 12_345);

function failure(wanted: BlobFailed['failure'], message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof BlobFailed, String(error));
    assert.equal(error.failure, wanted, error.message);
    assert.match(error.message, message);
    return true;
  };
}

describe('a line that fails and lies', { skip: s3Missing }, () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let settings: S3Settings;
  let blobs: BlobStore;
  before(async () => {
    server = await startS3Server();
    proxy = await startS3Proxy(server.endpoint);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    proxy.trouble = () => undefined;
    settings = { ...(await server.createBucket()), endpoint: proxy.endpoint };
    ({ blobs } = await openS3Blobs({ settings, limits: hurried }));
  });

  /** What is in the bucket, by a client without a proxy. */
  async function contentOf(name: string): Promise<Uint8Array> {
    const direct = await openS3Blobs({ settings: { ...settings, endpoint: server.endpoint } });
    await using there = direct.blobs;
    return there.read(name, 0, (await there.stat(name))?.sizeBytes ?? 0);
  }

  /** This happens to the first `times` calls of each kind named, or of any. */
  function troubleFirst(times: number, trouble: Trouble, ...kinds: string[]): void {
    const seen = new Map<string, number>();
    proxy.trouble = ({ kind }) => {
      if (kinds.length > 0 && !kinds.includes(kind)) return undefined;
      const count = (seen.get(kind) ?? 0) + 1;
      seen.set(kind, count);
      return count <= times ? trouble : undefined;
    };
  }

  const passing: Record<string, Trouble> = {
    'a storm of 503 SlowDown': { answer: errorAnswer(503, 'SlowDown') },
    'a storm of 429': { answer: errorAnswer(429, 'TooManyRequests') },
    '500 InternalError': { answer: errorAnswer(500, 'InternalError') },
    'a page of a proxy that has no server': {
      answer: { status: 502, headers: {}, body: Buffer.from('<html>no</html') },
    },
    'connections that break': { breakAfter: -1 },
    'connections that stall': { stallAfter: -1 },
    'answers that break off': { breakAfter: 10 },
    'answers that stall': { stallAfter: 10 },
  };
  for (const [name, trouble] of Object.entries(passing)) {
    test(`${name}: all works, a little later`, async () => {
      const times = trouble.stallAfter === undefined ? 2 : 1; // each takes its time
      troubleFirst(times, trouble);
      await put(blobs, 'big', content);
      await put(blobs, 'small', content.subarray(0, 100));
      troubleFirst(times, trouble);
      assert.ok(Buffer.compare(await blobs.read('big', 5, 100_000), content.subarray(5, 100_005)) === 0);
      assert.equal((await blobs.stat('small'))?.sizeBytes, 100);
      assert.equal((await Array.fromAsync(blobs.list())).length, 2);
      assert.deepEqual(await Array.fromAsync(blobs.listUnsealed()), []);
      await blobs.delete('small');
      assert.equal(await blobs.stat('small'), undefined);
      assert.ok(Buffer.compare(await contentOf('big'), content) === 0);
    });
  }

  const lies: Record<string, (answer: S3Answer) => S3Answer> = {
    'fewer bytes than asked for': (answer) => ({ ...answer, body: answer.body.subarray(0, -1) }),
    'more bytes than asked for': (answer) => ({ ...answer, body: Buffer.concat([answer.body, Buffer.from('!')]) }),
    'another range': ({ headers, ...answer }) => ({
      ...answer,
      headers: { ...headers, 'content-range': 'bytes 0-99/16789561' },
    }),
    'the whole in place of a range': ({ headers: { 'content-range': _, ...headers }, body }) => ({
      status: 200,
      headers,
      body,
    }),
    'another ETag': ({ headers, ...answer }) => ({ ...answer, headers: { ...headers, etag: '"other"' } }),
    'another length of the whole': ({ headers, ...answer }) => ({
      ...answer,
      headers: { ...headers, 'content-range': 'bytes 7-106/9999' },
    }),
  };
  for (const [name, alter] of Object.entries(lies)) {
    test(`reading, ${name}: is asked again, and fails in the end`, async () => {
      await put(blobs, 'big', content);
      const { blobs: impatient } = await openS3Blobs({ settings, limits: { ...hurried, deadlineMs: 100 } });
      await impatient.read('big', 0, 1);
      troubleFirst(2, { alter }, 'get');
      assert.ok(Buffer.compare(await blobs.read('big', 7, 100), content.subarray(7, 107)) === 0);
      proxy.trouble = ({ kind }) => (kind === 'get' ? { alter } : undefined);
      await assert.rejects(impatient.read('big', 7, 100), failure('broken'));
    });
  }

  test('Retry-After is waited for, in seconds and as a date', async () => {
    await put(blobs, 'small', content.subarray(0, 100));
    for (const header of ['1', new Date(Date.now() + 2_000).toUTCString()]) {
      const until = header === '1' ? Date.now() + 1_000 : Date.parse(header);
      troubleFirst(1, { answer: errorAnswer(503, 'SlowDown', { 'retry-after': header }) }, 'get');
      await blobs.read('small', 0, 1);
      assert.ok(Date.now() >= until - 5, header);
    }
    troubleFirst(1, { answer: errorAnswer(503, 'SlowDown', { 'retry-after': '3600' }) }, 'get');
    const begun = Date.now();
    await assert.rejects(blobs.read('small', 0, 1), failure('unreachable', /503 SlowDown/));
    assert.ok(Date.now() - begun < 1_000, 'nobody waits past the deadline');
  });

  test('a server that never gets better is given up at the deadline, and one that refuses at once', async () => {
    await put(blobs, 'small', content.subarray(0, 100));
    const impatient = await openS3Blobs({ settings, limits: { ...hurried, deadlineMs: 500 } });
    await using there = impatient.blobs;
    proxy.trouble = () => ({ answer: errorAnswer(503, 'SlowDown') });
    const begun = Date.now();
    await assert.rejects(there.read('small', 0, 1), failure('unreachable'));
    await assert.rejects(there.stat('small'), failure('unreachable'));
    assert.ok(Date.now() - begun < 2_500);

    proxy.trouble = () => ({ answer: errorAnswer(403, 'AccessDenied') });
    const callsBefore = proxy.calls.length;
    await assert.rejects(blobs.read('small', 0, 1), failure('unreachable', /403 AccessDenied: said by a test/));
    await assert.rejects(put(blobs, 'other', content.subarray(0, 100)), failure('unreachable'));
    assert.equal(proxy.calls.length, callsBefore + 2);
  });

  test('who gives up waiting is let go at once', async () => {
    await put(blobs, 'small', content.subarray(0, 100));
    for (const trouble of [{ stallAfter: 10 }, { answer: errorAnswer(503, 'SlowDown', { 'retry-after': '2' }) }]) {
      proxy.trouble = () => trouble;
      const aborted = new AbortController();
      const reading = blobs.read('small', 0, 100, { signal: aborted.signal });
      const callsBefore = proxy.calls.length;
      while (proxy.calls.length === callsBefore) await new Promise((resolve) => setTimeout(resolve, 5));
      const begun = Date.now();
      aborted.abort(new Error('enough'));
      await assert.rejects(reading, /enough/);
      assert.ok(Date.now() - begun < 200);
    }
  });

  test('an answer that is lost after the work was done: the blob is there once, and whole', async () => {
    troubleFirst(1, { breakAfter: -1 }, 'put', 'complete', 'part', 'create-upload');
    await put(blobs, 'small', content.subarray(0, 100));
    await put(blobs, 'big', content);
    assert.ok(Buffer.compare(await contentOf('small'), content.subarray(0, 100)) === 0);
    assert.ok(Buffer.compare(await contentOf('big'), content) === 0);
  });

  test('an error inside of an answer that says 200: is asked again, and fails in the end without a blob', async () => {
    const inside = { answer: { ...errorAnswer(200, 'InternalError') } };
    troubleFirst(1, inside, 'complete');
    await put(blobs, 'one', content);
    assert.ok(Buffer.compare(await contentOf('one'), content) === 0);
    proxy.trouble = ({ kind }) => (kind === 'complete' ? inside : undefined);
    const { blobs: impatient } = await openS3Blobs({ settings, limits: { ...hurried, deadlineMs: 100 } });
    await assert.rejects(put(impatient, 'two', content), failure('unreachable'));
    proxy.trouble = () => undefined;
    assert.equal(await blobs.stat('two'), undefined);
    assert.deepEqual(await Array.fromAsync(blobs.listUnsealed()), [], 'the parts are gone, too');
  });

  test('a success that is none is found out: no object, one of another length, one with another sum', async () => {
    const done = { status: 200, headers: { etag: '"x"' }, body: Buffer.alloc(0) };
    proxy.trouble = ({ kind }) => (kind === 'put' ? { answer: done } : undefined);
    await assert.rejects(put(blobs, 'nowhere', content.subarray(0, 100)), failure('broken', /is not there/));
    const says = (headers: Record<string, string>) => (answer: S3Answer) => {
      return { ...answer, headers: { ...answer.headers, ...headers } };
    };
    proxy.trouble = ({ kind }) => (kind === 'head' ? { alter: says({ 'content-length': '99' }) } : undefined);
    await assert.rejects(put(blobs, 'short', content.subarray(0, 100)), failure('broken', /100 bytes were stored, 99/));
    proxy.trouble = ({ kind }) =>
      kind === 'head' ? { alter: says({ 'x-amz-checksum-crc32': 'AAAAAA==' }) } : undefined;
    await assert.rejects(put(blobs, 'other', content), failure('broken', /CRC-32/));
  });

  test('a blob never changes: another one of its name is refused, and one that took its place is not served', async () => {
    await put(blobs, 'small', content.subarray(0, 100));
    await put(blobs, 'big', content);
    await assert.rejects(put(blobs, 'small', content.subarray(0, 50)), failure('broken', /there already/));
    await assert.rejects(put(blobs, 'big', content.subarray(1)), failure('broken', /there already/));
    assert.ok(Buffer.compare(await contentOf('big'), content) === 0);

    await blobs.read('big', 0, 1);
    const stranger = await openS3Blobs({ settings });
    await stranger.blobs.delete('big');
    await put(
      stranger.blobs,
      'big',
      content.map((byte) => byte ^ 1),
    );
    await assert.rejects(blobs.read('big', 0, 100), failure('broken', /not the one that was written/));
  });

  test('a bucket that is gone is no reason to call its blobs missing', async () => {
    await put(blobs, 'small', content.subarray(0, 100));
    const folder = server.folderOf(settings);
    await rename(folder, `${folder}-away`);
    await assert.rejects(blobs.stat('small'), failure('unreachable', /NoSuchBucket/));
    await assert.rejects(blobs.read('small', 0, 1), failure('unreachable', /NoSuchBucket/));
    await rename(`${folder}-away`, folder);
    assert.equal((await blobs.read('small', 0, 1)).length, 1);
  });

  test('lists of many pages are whole, and one that leads nowhere ends', async () => {
    const packs = join(server.folderOf(settings), 'packs');
    await mkdir(packs, { recursive: true });
    const names = Array.from({ length: 1_100 }, (_, index) => `n${String(index).padStart(5, '0')}`);
    await Promise.all(names.map((name) => writeFile(join(packs, name), '')));
    await writeFile(join(packs, 'Not-A-Blob'), '');
    const listed = await Array.fromAsync(blobs.list(), ({ name }) => name);
    assert.deepEqual(listed.toSorted(), names);

    const again = proxy.calls.length;
    let first: S3Answer | undefined;
    proxy.trouble = ({ kind }) => {
      if (kind !== 'list') return undefined;
      return first === undefined ? { alter: (answer) => (first = answer) } : { answer: first };
    };
    await assert.rejects(Array.fromAsync(blobs.list()), /does not say where/);
    assert.ok(proxy.calls.length - again < 5);
  });

  test('bytes that change on their way up are not taken', async () => {
    // The server says so itself, of what it was sent: here it is told so.
    troubleFirst(2, { answer: errorAnswer(400, 'XAmzContentSHA256Mismatch') }, 'put', 'part');
    await put(blobs, 'small', content.subarray(0, 100));
    await put(blobs, 'big', content);
    assert.ok(Buffer.compare(await contentOf('big'), content) === 0);
    const altered = { alter: flipped };
    proxy.trouble = ({ kind }) => (kind === 'get' ? altered : undefined);
    assert.notDeepEqual(
      [...(await blobs.read('small', 0, 100))],
      [...content.subarray(0, 100)],
      'on their way down nobody can tell: whoever reads a pack holds its chunks against their ids',
    );
  });
});
