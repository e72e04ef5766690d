import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readBatch } from './batch-part.ts';
import { BatchRefused } from './batch-refused.ts';

/** As gcloud writes the type of its batches. */
const boundary = '===============3253929242817041197==';
const contentType = `multipart/mixed; boundary="${boundary}"`;

function partText(requestLine: string, { id = '', headers = [] as string[], body = '' } = {}): string {
  const envelope = [
    'Content-Type: application/http',
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: binary',
    ...(id === '' ? [] : [`Content-ID: <${id}>`]),
  ];
  return [...envelope, '', requestLine, ...headers, '', body].join('\n');
}

function batchText(parts: readonly string[], end = '\n'): string {
  return `${parts.map((part) => `--${boundary}\n${part}\n`).join('')}--${boundary}--`.replaceAll('\n', end);
}

function read(text: string, type = contentType) {
  return readBatch(type, Buffer.from(text));
}

for (const [name, end] of [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
] as const) {
  test(`reads what gcloud sends, with ${name} at the ends of lines`, () => {
    const headers = ['Content-Type: application/json', 'MIME-Version: 1.0', 'content-length: 0', 'Host: 127.0.0.1:1'];
    const parts = read(
      batchText(
        [
          partText('GET /compute/v1/projects/p/global/images?alt=json&maxResults=500 HTTP/1.1', {
            id: 'a-b+0',
            headers,
          }),
          partText('POST /compute/v1/projects/p/global/images/i/setLabels?alt=json HTTP/1.1', {
            id: 'a-b+1',
            headers: ['Content-Type: application/json', 'Authorization: Bearer  t '],
            body: '{"labels": {"k": "é"}}',
          }),
          partText('DELETE /compute/v1/projects/p/global/images/i HTTP/1.1'),
        ],
        end,
      ),
    );
    assert.deepEqual(
      parts.map(({ contentId, verb, target, body }) => [contentId, verb, target, Buffer.from(body).toString()]),
      [
        ['<a-b+0>', 'GET', '/compute/v1/projects/p/global/images?alt=json&maxResults=500', ''],
        ['<a-b+1>', 'POST', '/compute/v1/projects/p/global/images/i/setLabels?alt=json', '{"labels": {"k": "é"}}'],
        [undefined, 'DELETE', '/compute/v1/projects/p/global/images/i', ''],
      ],
    );
    assert.equal(parts[0]?.headers.get('host'), '127.0.0.1:1');
    assert.equal(parts[1]?.headers.get('authorization'), 'Bearer  t');
  });
}

test('takes a boundary bare and in either quotes, a preamble, an epilogue, and folded headers', () => {
  const part = partText('GET /compute/v1/x', { headers: ['X-Long: one', ' two'] });
  const text = `preamble\n${batchText([part])}\nepilogue\n--${boundary}\n`;
  for (const type of [
    contentType,
    `MULTIPART/mixed;charset=x; Boundary='${boundary}'`,
    `multipart/mixed;boundary=${boundary}`,
  ]) {
    assert.equal(read(text, type)[0]?.headers.get('x-long'), 'one two');
  }
});

test('a body keeps lines that look like boundaries and are none', () => {
  const body = `{"description": "\n--${boundary}x\n --${boundary}\n"}`;
  const [part] = read(batchText([partText('POST /compute/v1/x HTTP/1.1', { body })]));
  assert.equal(Buffer.from(part?.body ?? []).toString(), body);
});

test('takes a thousand requests, and not one more', () => {
  const part = partText('GET /compute/v1/x');
  assert.equal(read(batchText(Array(1_000).fill(part))).length, 1_000);
  assert.throws(() => read(batchText(Array(1_001).fill(part))), /more than 1000 parts/);
});

const good = batchText([partText('GET /compute/v1/x HTTP/1.1')]);
const refusals: readonly [name: string, problem: RegExp, text: string, type?: string][] = [
  ['JSON', /not multipart\/mixed/, '{}', 'application/json'],
  ['no boundary in the type', /boundary/, good, 'multipart/mixed'],
  ['a boundary of characters that none has', /boundary/, good, 'multipart/mixed; boundary="a\tb"'],
  ['an empty boundary', /boundary/, good, 'multipart/mixed; boundary=""'],
  ['nothing', /no boundary/, ''],
  ['another boundary', /no boundary/, good.replaceAll('3253', '3254')],
  ['no part', /no parts/, `--${boundary}--`],
  ['a body that was cut', /does not end/, good.slice(0, -3)],
  ['a part that is no HTTP', /not application\/http/, batchText(['Content-Type: text/plain\n\nGET /compute/v1/x'])],
  ['a part without a request', /begin with a request/, batchText(['Content-Type: application/http\n\n'])],
  ['a part that is all headers', /begin with a request/, batchText(['Content-Type: application/http'])],
  ['a verb that there is none of', /begin with a request/, batchText([partText('BREW /compute/v1/x HTTP/1.1')])],
  ['a URL', /begin with a request/, batchText([partText('GET http://x/compute/v1/x HTTP/1.1')])],
  ['a batch in a batch', /no request of this API/, batchText([partText('POST /batch/compute/v1 HTTP/1.1')])],
  ['another API', /no request of this API/, batchText([partText('GET /obraz/v1/images/i/content HTTP/1.1')])],
  ['another host', /no request of this API/, batchText([partText('GET //x/compute/v1/y HTTP/1.1')])],
  ['a path that leads elsewhere', /no request of/, batchText([partText('GET /compute/v1/../../obraz/v1/x HTTP/1.1')])],
  ['the same, escaped', /no request of/, batchText([partText('GET /compute/v1/%2e%2E/%2e%2e/obraz/v1/x HTTP/1.1')])],
  ['no header', /no header/, batchText([partText('GET /compute/v1/x HTTP/1.1', { headers: ['what'] })])],
  ['a control character', /no header/, batchText([partText('GET /compute/v1/x HTTP/1.1', { headers: ['a: \0'] })])],
  ['many headers', /header lines/, batchText([partText('GET /compute/v1/x', { headers: Array(101).fill('a: b') })])],
  ['a long Content-ID', /too long/, batchText([partText('GET /compute/v1/x', { id: 'a'.repeat(300) })])],
];
for (const [name, problem, text, type] of refusals) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => read(text, type),
      (error) => error instanceof BatchRefused && problem.test(error.message),
    );
  });
}

test('hostile bodies are read or refused, and soon', () => {
  const pieces = fc.constantFrom(
    `--${boundary}`,
    '--',
    '\n',
    '\r\n',
    'Content-Type: application/http',
    ':',
    ' ',
    'GET /',
    'a',
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
      (text) => {
        try {
          read(text);
        } catch (error) {
          assert.ok(error instanceof BatchRefused, String(error));
        }
      },
    ),
    { numRuns: 1_000 },
  );
  for (const piece of [' ', '\t', '\n', '\r\n', '\n ', ': ', `\n--${boundary} `, 'a', '\r']) {
    const filling = piece.repeat(1_000_000 / piece.length);
    const before = process.threadCpuUsage();
    for (const text of [filling, batchText([partText('GET /compute/v1/x', { headers: [`a:${filling}\0`] })])]) {
      try {
        read(text);
      } catch (error) {
        assert.ok(error instanceof BatchRefused);
      }
    }
    // Measured at 20 ms, in microseconds; what is quadratic takes minutes.
    const { user, system } = process.threadCpuUsage(before);
    assert.ok(user + system < 2_000_000, JSON.stringify(piece));
  }
});
