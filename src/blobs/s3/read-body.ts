import { Readable } from 'node:stream';
import { abortReason } from '../../lib/abort-reason.ts';
import { AnswerWrong } from './s3-failure.ts';

/**
 * Reads the body of an answer, which must be of just the target's length. When it returns or throws, the body is done
 * with: nothing is written into the target any more.
 */
export async function readBody(
  body: unknown,
  target: Uint8Array,
  { signal, idleMs }: { readonly signal: AbortSignal; readonly idleMs: number },
): Promise<void> {
  if (!(body instanceof Readable)) throw new AnswerWrong('the answer has no body');
  let done = 0;
  let timer: NodeJS.Timeout | undefined;
  const abort = () => body.destroy(abortReason(signal));
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => body.destroy(new Error(`no byte of the answer came for ${idleMs} ms`)), idleMs);
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    wait();
    for await (const piece of body) {
      if (!(piece instanceof Uint8Array)) throw new AnswerWrong('the answer is text');
      if (done + piece.byteLength > target.byteLength) {
        throw new AnswerWrong(`the answer has more than the ${target.byteLength} bytes asked for`);
      }
      target.set(piece, done);
      done += piece.byteLength;
      wait();
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    body.destroy();
  }
  if (done < target.byteLength) throw new AnswerWrong(`${done} bytes came of the ${target.byteLength} asked for`);
}

/** Of an answer whose bytes nobody wants. */
export function dropBody(body: unknown): void {
  if (body instanceof Readable) body.destroy();
}
