import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { BlobFailed } from '../blob-failed.ts';
import { blobFailedByS3 } from './blob-failed-by-s3.ts';
import { AnswerWrong, classify, describeFailure, retryAfterMs, type S3Failure } from './s3-failure.ts';

/** As the SDK throws it. */
function said(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, message: 'said', $fault: 'server', $metadata: { httpStatusCode } });
}

/** What has no form of S3's, as a proxy's page; the SDK hangs the response on what it throws. */
function answered(statusCode: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error('no XML'), { $response: { statusCode, headers } });
}

const meanings: readonly (readonly [error: unknown, S3Failure])[] = [
  [said(404, 'NoSuchKey'), 'missing'],
  [said(404, 'NoSuchBucket'), 'final'],
  [said(404, 'NoSuchUpload'), 'no-upload'],
  [said(412, 'PreconditionFailed'), 'changed'],
  [said(416, 'InvalidRange'), 'range'],
  [said(507, 'XMinioStorageFull'), 'full'],
  [said(501, 'NotImplemented'), 'unsupported'],
  [said(503, 'SlowDown'), 'passing'],
  [said(400, 'RequestTimeout'), 'passing'],
  [said(400, 'ThrottlingException'), 'passing'],
  [said(409, 'ConditionalRequestConflict'), 'passing'],
  [said(400, 'InvalidArgument'), 'final'],
  [said(403, 'AccessDenied'), 'final'],
  [said(301, 'PermanentRedirect'), 'final'],
  [answered(502), 'passing'],
  [answered(429), 'passing'],
  [answered(200), 'passing'],
  [answered(404), 'final'],
  [new AnswerWrong('other bytes'), 'passing'],
  [Object.assign(new Error('broken'), { code: 'ECONNRESET' }), 'passing'],
  [Object.assign(new Error('untrusted'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'final'],
  [new BlobFailed('short', 'abc', 'it ends'), 'final'],
];

test('knows what passes from what does not', () => {
  for (const [error, meaning] of meanings) assert.equal(classify(error), meaning, describeFailure(error));
});

test('only what the server says of the object itself is said of the blob', () => {
  const failureOf = (error: unknown) => {
    const failed = blobFailedByS3(error, 'abc');
    return failed instanceof BlobFailed ? failed.failure : undefined;
  };
  const expected = {
    missing: 'missing',
    range: 'short',
    full: 'full',
    changed: 'broken',
    'no-upload': 'broken',
  } as const;
  for (const [error, meaning] of meanings) {
    if (error instanceof BlobFailed || error instanceof AnswerWrong) continue;
    const wanted = meaning in expected ? expected[meaning as keyof typeof expected] : 'unreachable';
    assert.equal(failureOf(error), wanted, describeFailure(error));
  }
  assert.equal(failureOf(new AnswerWrong('other bytes')), 'broken');
  assert.equal(failureOf(new BlobFailed('short', 'abc', 'it ends')), 'short');
});

test('reads how long to stay away', () => {
  assert.equal(retryAfterMs(answered(503, { 'Retry-After': '7' }), 0), 7_000);
  assert.equal(retryAfterMs(answered(503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' }), 4_000), 5_000);
  for (const header of ['-1', 'soon', '', '99999999', 'Thu, 01 Jan 1970 00:00:01 GMT']) {
    assert.equal(retryAfterMs(answered(503, { 'retry-after': header }), 9_000), 0, header);
  }
  assert.equal(retryAfterMs(new Error('no answer at all'), 0), 0);
});
