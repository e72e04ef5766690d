import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import test from 'node:test';
import { incomingBody, readSmallBody } from './incoming-body.ts';
import type { S3Request } from './s3-request.ts';

const { signal } = new AbortController();
const credentials = {
  keyId: '',
  scope: { day: '20260101', region: 'ru-central1' },
  time: '20260101T000000Z',
  signedAt: new Date(),
  expiresSeconds: undefined,
  signedHeaders: [],
  signature: '',
  bodyHash: 'UNSIGNED-PAYLOAD',
};
const signer = {
  subject: { id: 'aje', kind: 'serviceAccount' },
  folderId: 'f',
  credentials,
  key: new Uint8Array(),
} as const;

function post(headers: Readonly<Record<string, string>>): S3Request {
  const all = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { verb: 'POST', host: 'localhost', path: '/b', query: [], headers: all };
}

test('takes no more of a small body than it may have, whatever was said of its length', async () => {
  let given = 0;
  function* endless() {
    for (; given < 100; given++) yield Buffer.alloc(1000);
  }
  const body = Readable.from(endless(), { objectMode: false, highWaterMark: 1000 });
  const incoming = { lengthBytes: 0, use: <T>(work: (body: Readable) => Promise<T>) => work(body), check() {} };
  await assert.rejects(readSmallBody(incoming, { mostBytes: 2000, signal }), { reason: 'S3_MalformedXML' });
  assert.ok(given < 50, `${given} pieces were taken`);
  body.destroy();
});

test('refuses a body whose length is not said, and none that is not there', () => {
  const raw = new IncomingMessage(new Socket());
  assert.throws(() => incomingBody(post({ 'transfer-encoding': 'chunked' }), signer, raw), {
    reason: 'S3_MissingContentLength',
  });
  assert.equal(incomingBody(post({}), signer, raw).lengthBytes, 0);
});
