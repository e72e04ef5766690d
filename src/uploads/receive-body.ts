import type { Readable } from 'node:stream';
import { abortReason } from '../lib/abort-reason.ts';

/** The body of a request ended before its end: its client left, or its connection broke. */
export class BodyBroken extends Error {
  constructor(cause?: unknown) {
    super('The request ended before its body was whole', { cause });
    this.name = 'BodyBroken';
  }
}

/**
 * Gives the pieces of `body` to `take`, in order; when that returns a promise, it is waited for before the next. Resolves
 * after the last one. Rejects with BodyBroken, with what `take` throws, or with the signal's reason, and then takes no
 * more: unlike an async iterator it leaves the stream whole, so that the request can still be answered. Either way
 * nothing is being taken any more when it settles.
 */
export function receiveBody(
  body: Readable,
  signal: AbortSignal,
  take: (piece: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  if (signal.aborted) return Promise.reject(abortReason(signal));
  if (body.readableEnded) return Promise.resolve();
  if (body.destroyed) return Promise.reject(new BodyBroken());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settled = new AbortController();
  let taking: Promise<void> | undefined;

  const settle = (conclude: () => void) => {
    settled.abort();
    body.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken).pause();
    // A stream may say that it ends, or broke, while its last piece is still being taken.
    if (taking === undefined) conclude();
    else taking.then(conclude, reject);
  };
  const fail = (error: unknown) => settle(() => reject(error));
  const onEnd = () => settle(resolve);
  const onBroken = (cause?: unknown) => fail(new BodyBroken(cause));
  const onData = (piece: Uint8Array) => {
    try {
      taking = take(piece);
    } catch (error) {
      fail(error);
    }
    if (taking === undefined) return;
    body.pause();
    taking.then(() => {
      taking = undefined;
      if (!settled.signal.aborted) body.resume();
    }, fail);
  };
  signal.addEventListener('abort', () => fail(abortReason(signal)), { once: true, signal: settled.signal });
  body.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  return promise;
}
