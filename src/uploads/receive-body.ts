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
 * more: unlike an async iterator it leaves the stream whole, so that the request can still be answered.
 */
export function receiveBody(
  body: Readable,
  signal: AbortSignal,
  take: (piece: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = new AbortController();
  const settle = (conclude: () => void) => () => {
    stop.abort();
    body.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken).pause();
    conclude();
  };
  const fail = (error: unknown) => settle(() => reject(error))();
  const onData = (piece: Uint8Array) => {
    try {
      const taken = take(piece);
      if (taken === undefined) return;
      body.pause();
      taken.then(() => stop.signal.aborted || body.resume(), fail);
    } catch (error) {
      fail(error);
    }
  };
  const onEnd = settle(resolve);
  const onBroken = (error?: unknown) => fail(new BodyBroken(error));
  if (signal.aborted) return Promise.reject(abortReason(signal));
  if (body.readableEnded) return Promise.resolve();
  if (body.destroyed) return Promise.reject(new BodyBroken());
  signal.addEventListener('abort', () => fail(abortReason(signal)), { once: true, signal: stop.signal });
  body.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  return promise;
}
