import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { ServiceError } from '../../errors.ts';
import { BodyBroken } from '../../uploads/receive-body.ts';

/**
 * Gives `use` the request's body as the transform makes it. The request stays whole, so that it can be answered, whatever
 * becomes of that; what the transform finds wrong is thrown as it is.
 */
export async function through<T>(request: IncomingMessage, transform: Transform, use: () => Promise<T>): Promise<T> {
  const onClose = () => {
    if (!request.complete) transform.destroy();
  };
  // It may fail while nobody listens: before its first byte is wanted, or behind the last.
  transform.on('error', () => {});
  request.once('close', onClose).pipe(transform);
  try {
    return await use();
  } catch (error) {
    throw error instanceof BodyBroken && transform.errored instanceof ServiceError ? transform.errored : error;
  } finally {
    request.off('close', onClose).unpipe(transform);
    transform.destroy();
  }
}

/** Leaves out the first bytes. */
export function skipping(skippedBytes: number): Transform {
  let left = skippedBytes;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const skipped = Math.min(left, piece.length);
      left -= skipped;
      done(null, piece.subarray(skipped));
    },
  });
}
