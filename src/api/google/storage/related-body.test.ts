import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import fc from 'fast-check';
import { through } from '../../rest/through.ts';
import { boundaryOf, type RelatedBody, readRelatedBody } from './related-body.ts';

const boundary = '==a==';

function related(
  file: Uint8Array,
  given: { readonly json?: string; readonly lineEnd?: string; readonly end?: string } = {},
): Buffer {
  const { json = '{"name": "x"}', lineEnd = '\r\n' } = given;
  const end = given.end ?? `--${lineEnd}`;
  const head = [`--${boundary}`, 'Content-Type: application/json', '', json];
  const second = [`--${boundary}`, 'content-type: image/x', 'Content-Transfer-Encoding: binary', '', ''];
  const before = Buffer.from([...head, ...second].join(lineEnd));
  return Buffer.concat([before, file, Buffer.from(`${lineEnd}--${boundary}${end}`)]);
}

/** A body as it comes from the network, in pieces; it is a stream like a request's in all that is used of one. */
function requestOf(bytes: Uint8Array, pieceBytes: number, length: number | undefined = bytes.length): IncomingMessage {
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const headers = length === undefined ? {} : { 'content-length': String(length) };
  return Object.assign(Readable.from(pieces(), { objectMode: false }), { headers, complete: true }) as IncomingMessage;
}

async function read(request: IncomingMessage): Promise<RelatedBody & { readonly bytes: Buffer }> {
  const body = await readRelatedBody(request, boundary, new AbortController().signal);
  const bytes = await through(request, body.file, () => buffer(body.file));
  return { ...body, bytes };
}

test('takes a boundary in any quotes, of related parts only', () => {
  for (const text of [
    `boundary='${boundary}'`,
    `boundary="${boundary}"`,
    `boundary=${boundary}`,
    `a=b; Boundary=${boundary}; c=d`,
  ]) {
    assert.equal(boundaryOf(`multipart/related; ${text}`), boundary, text);
  }
  for (const text of [
    undefined,
    '',
    'multipart/related',
    `multipart/form-data; boundary=${boundary}`,
    'multipart/related; boundary=',
    `multipart/related; boundary=${'a'.repeat(201)}`,
  ]) {
    assert.throws(() => boundaryOf(text), { code: 'INVALID_ARGUMENT' }, text);
  }
});

test('takes the file out, however it is cut and whatever is in it', async () => {
  const awkward = fc
    .constantFrom('\r\n', '\n', '--', `--${boundary}`.slice(0, -1), boundary, '\r', 'x')
    .map((text) => Buffer.from(text));
  const file = fc
    .array(fc.oneof(awkward, fc.uint8Array({ maxLength: 40 })), { maxLength: 12 })
    .map((parts) => Buffer.concat(parts));
  const property = fc.asyncProperty(
    file,
    fc.constantFrom('\r\n', '\n'),
    fc.integer({ min: 1, max: 300 }),
    async (bytes, lineEnd, pieceBytes) => {
      fc.pre(
        !bytes.includes(`${lineEnd}--${boundary}`) &&
          !Buffer.concat([Buffer.from(lineEnd), bytes]).includes(`${lineEnd}--${boundary}`),
      );
      const body = await read(requestOf(related(bytes, { lineEnd }), pieceBytes));
      assert.deepEqual(body.bytes, bytes);
      assert.equal(Buffer.from(body.json).toString(), '{"name": "x"}');
      assert.equal(body.contentType, 'image/x');
      assert.ok((body.mostBytes ?? 0) >= bytes.length);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('takes a request that arrives at once, as a server gives it', async () => {
  const bytes = related(Buffer.from('hello'), { lineEnd: '\n' });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const server = createServer((request, response) => {
    read(request)
      .then(({ bytes: file }) => resolve(file), reject)
      .finally(() => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', reject);
  socket.write(
    Buffer.concat([
      Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${bytes.length}\r\n\r\n`),
      bytes,
    ]),
  );
  try {
    assert.equal((await promise).toString(), 'hello');
  } finally {
    socket.destroy();
    server.close();
  }
});

test('refuses what is not of two parts, or not whole, and holds no more than it may', async () => {
  const small = Buffer.from('hello');
  const bad: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('hello'), /begin with its boundary/],
    [Buffer.from(`--${boundary}x\r\n`), /no line/],
    [related(small).subarray(0, 60), /before the file begins/],
    [related(small).subarray(0, -8), /last boundary is missing/],
    [related(small, { end: '\r\nmore' }), /last boundary is missing/],
    [related(small, { end: `--${'x'.repeat(2000)}` }), /more behind the file/],
    [related(small, { json: `"${'x'.repeat(100_000)}"` }), /too large/],
  ];
  for (const [bytes, message] of bad) {
    for (const pieceBytes of [7, 1 << 20]) await assert.rejects(read(requestOf(bytes, pieceBytes)), message);
  }
});
