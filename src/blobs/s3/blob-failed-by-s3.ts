import { BlobFailed } from '../blob-failed.ts';
import { AnswerWrong, classify, describeFailure } from './s3-failure.ts';

/** What a failed request says of a blob. What is a BlobFailed already, or the reason of the caller's signal, stays as it is. */
export function blobFailedByS3(error: unknown, blobName: string, signal?: AbortSignal): unknown {
  if (error instanceof BlobFailed || signal?.aborted) return error;
  const message = describeFailure(error);
  if (error instanceof AnswerWrong) return new BlobFailed('broken', blobName, message, error);
  switch (classify(error)) {
    case 'missing':
      return new BlobFailed('missing', blobName, message, error);
    case 'range':
      return new BlobFailed('short', blobName, message, error);
    case 'full':
      return new BlobFailed('full', blobName, message, error);
    case 'changed':
      return new BlobFailed('broken', blobName, 'its object is not the one that was written', error);
    case 'no-upload':
      return new BlobFailed('broken', blobName, message, error);
    default:
      return new BlobFailed('unreachable', blobName, message, error);
  }
}
