import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { decodeChunks } from './chunked-body.ts';
import { readTarget, type S3Request } from './s3-request.ts';
import { signingKey } from './signature-v4.ts';
import { type Signer, verifyRequest } from './verify-request.ts';

/** The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and its neighbours. */
const keyId = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const scope = '20130524/us-east-1/s3/aws4_request';
const time = '20130524T000000Z';
const at = new Date('2013-05-24T00:00:00Z');
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const subject = { id: 'aje', kind: 'serviceAccount' } as const;
const host = 'examplebucket.s3.amazonaws.com';

function requestOf(verb: string, target: string, headers: Readonly<Record<string, string>>): S3Request {
  const all = new Map(Object.entries({ host, ...headers }).map(([name, value]) => [name, [value]]));
  return { verb, host, ...readTarget(target), headers: all };
}

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${keyId}/${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
}

const verify = (request: S3Request, now = at) =>
  verifyRequest(
    { now: () => now, findAccessKey: async (id) => (id === keyId ? { subject, folderId: 'f', secret } : undefined) },
    request,
  );

const getObject = (change: Readonly<Record<string, string>> = {}) =>
  requestOf('GET', '/test.txt', {
    range: 'bytes=0-9',
    'x-amz-content-sha256': emptyHash,
    'x-amz-date': time,
    authorization: authorization(
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
    ...change,
  });

const signature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
const link = `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(`${keyId}/${scope}`)}&X-Amz-Date=${time}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`;

test('knows who signed, by the examples of the public documentation', async () => {
  const signer = await verify(getObject());
  assert.deepEqual([signer.subject, signer.folderId], [subject, 'f']);
  const put = requestOf('PUT', '/test%24file.text', {
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-date': time,
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    authorization: authorization(
      'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ),
  });
  await verify(put);
  await verify({ ...put, ...readTarget('/test$file.text') }); // escaped in another way
  const list = requestOf('GET', '/?max-keys=2&prefix=J', {
    'x-amz-content-sha256': emptyHash,
    'x-amz-date': time,
    authorization: authorization(
      'host;x-amz-content-sha256;x-amz-date',
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ),
  });
  await verify(list);
  await verify({ ...list, ...readTarget('/?prefix=J&max-keys=2') }); // in another order
});

test('knows who made a link, as long as it is good', async () => {
  assert.deepEqual((await verify(requestOf('GET', link, {}))).subject, subject);
  const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);
  await verify(requestOf('GET', link, {}), later(86_400));
  await assert.rejects(verify(requestOf('GET', link, {}), later(86_401)), { reason: 'S3_AccessDenied' });
  await assert.rejects(verify(requestOf('PUT', link, {})), { reason: 'S3_SignatureDoesNotMatch' });
  await assert.rejects(verify(requestOf('GET', link.replace('86400', '604801'), {})), {
    reason: 'S3_AuthorizationQueryParametersError',
  });
});

test('refuses what is not as it was signed', async () => {
  const mismatch = { reason: 'S3_SignatureDoesNotMatch' };
  await assert.rejects(verify(getObject({ range: 'bytes=0-8' })), mismatch);
  await assert.rejects(verify({ ...getObject(), verb: 'DELETE' }), mismatch);
  await assert.rejects(verify({ ...getObject(), path: '/other.txt' }), mismatch);
  await assert.rejects(verify({ ...getObject(), ...readTarget('/test.txt?acl') }), mismatch);
  await assert.rejects(verify(getObject({ host: 'other.s3.amazonaws.com' })), mismatch);
  const other = getObject().headers.get('authorization')?.[0]?.replace(keyId, 'YCAJEother') ?? '';
  await assert.rejects(verify(getObject({ authorization: other })), { reason: 'S3_InvalidAccessKeyId' });
  const added = { reason: 'S3_AccessDenied', message: /not signed: x-amz-meta-a/ };
  await assert.rejects(verify(getObject({ 'x-amz-meta-a': 'b' })), added);
});

test('refuses signatures of other times, days, services and forms', async () => {
  for (const minutes of [-16, 16]) {
    const now = new Date(at.getTime() + minutes * 60_000);
    await assert.rejects(verify(getObject(), now), { reason: 'S3_RequestTimeTooSkewed' });
  }
  await verify(getObject(), new Date(at.getTime() + 14 * 60_000));
  const given = getObject().headers.get('authorization')?.[0] ?? '';
  for (const [from, to] of [
    ['20130524/', '20130525/'],
    ['/s3/', '/ec2/'],
    ['host;', ''],
    ['Signature=f0', 'Signature=F0'],
    ['Signature=', 'Signatur='],
  ] as const) {
    const authorization = given.replace(from, to);
    await assert.rejects(verify(getObject({ authorization })), { reason: 'S3_AuthorizationHeaderMalformed' }, to);
  }
  await assert.rejects(verify(getObject({ authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a' })), {
    reason: 'S3_InvalidRequest',
  });
});

const firstChunk = 'a'.repeat(65_536);
const lastChunk = 'a'.repeat(1024);
const chunkSignatures = [
  'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
  '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
  'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
];

function chunkedExample(signatures = chunkSignatures): Buffer {
  const parts = [firstChunk, lastChunk, ''].map(
    (bytes, index) => `${bytes.length.toString(16)};chunk-signature=${signatures[index]}\r\n${bytes}\r\n`,
  );
  return Buffer.from(parts.join(''));
}

async function chunkSigner(): Promise<Signer> {
  const scopeOf = { day: '20130524', region: 'us-east-1' };
  const credentials = {
    keyId,
    scope: scopeOf,
    time,
    signedAt: at,
    expiresSeconds: undefined,
    signedHeaders: [],
    signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    bodyHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  };
  return { subject, folderId: 'f', credentials, key: signingKey(secret, scopeOf) };
}

async function decode(body: Buffer, { isSigned = true, decodedBytes = 66_560, pieceBytes = body.length } = {}) {
  const pieces = Array.from({ length: Math.ceil(body.length / pieceBytes) }, (_, index) =>
    body.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
  const trailers: [string, string][] = [];
  const onTrailer = (trailer: ReadonlyMap<string, string>) => void trailers.push(...trailer);
  const signer = await chunkSigner();
  const decoder = decodeChunks({ isSigned, decodedBytes, signer, onBytes: () => {}, onTrailer });
  return { bytes: await buffer(Readable.from(pieces).pipe(decoder)), trailers };
}

test('reads signed chunks, by the example of the public documentation, however they are cut', async () => {
  for (const pieceBytes of [66_824, 8192, 1000, 7]) {
    const { bytes } = await decode(chunkedExample(), { pieceBytes });
    assert.ok(bytes.equals(Buffer.from(firstChunk + lastChunk)), `${pieceBytes}`);
  }
});

test('refuses chunks that are not what was signed, or not all there', async () => {
  const wrong = chunkSignatures.map((each, index) => (index === 1 ? each.replace('0', '1') : each));
  await assert.rejects(decode(chunkedExample(wrong)), { reason: 'S3_SignatureDoesNotMatch' });
  const changed = chunkedExample();
  changed[1000] = 0x62;
  await assert.rejects(decode(changed), { reason: 'S3_SignatureDoesNotMatch' });
  await assert.rejects(decode(chunkedExample().subarray(0, -30)), { reason: 'S3_IncompleteBody' });
  await assert.rejects(decode(chunkedExample(), { decodedBytes: 66_559 }), { reason: 'S3_IncompleteBody' });
  await assert.rejects(decode(chunkedExample(), { decodedBytes: 66_561 }), { reason: 'S3_IncompleteBody' });
  await assert.rejects(decode(chunkedExample(), { isSigned: false }), { reason: 'S3_InvalidRequest' });
});

test('reads chunks with a trailer, and refuses what is none', async () => {
  const body = '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n';
  const options = { isSigned: false, decodedBytes: 5 };
  const { bytes, trailers } = await decode(Buffer.from(body), { ...options, pieceBytes: 3 });
  assert.deepEqual([bytes.toString(), trailers], ['hello', [['x-amz-checksum-crc32', 'NhCmhg==']]]);
  for (const wrong of [
    'hello',
    `${'0'.repeat(2000)}5\r\nhello\r\n0\r\n\r\n`,
    '6\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello!\r\n0\r\n\r\n',
    '5\nhello\n0\n\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\nno trailer\r\n\r\n',
    '5\r\nhello\r\n0\r\n\r\nmore\r\n',
  ]) {
    await assert.rejects(
      decode(Buffer.from(wrong), options),
      { reason: /^S3_(InvalidRequest|IncompleteBody)$/ },
      wrong,
    );
  }
});
