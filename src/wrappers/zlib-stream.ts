import type { Transform } from 'node:stream';
import type { InOrderReader } from './in-order-reader.ts';

/** What the streams of node:zlib are created with: they work on libuv's threads, one such piece of output at a time. */
export const zlibOutput = { chunkSize: 256 * 1024, highWaterMark: 1024 * 1024 };

/** A stream of node:zlib, as far as it is used here. */
export interface ZlibStream extends Transform {
  /** Bytes that it took in. */
  readonly bytesWritten: number;
}

/**
 * Runs the reader's bytes through a stream of node:zlib until its data ends. The reader then stands right behind it:
 * what the stream was given and did not take is given back.
 *
 * @throws what the stream or the reader fails with
 */
export async function* throughZlib(stream: ZlibStream, reader: InOrderReader): AsyncGenerator<Uint8Array> {
  let stopped = false;
  const feeding = (async () => {
    let givenBytes = 0;
    for (;;) {
      const chunk = await reader.next();
      if (stopped || stream.destroyed) return;
      if (chunk === undefined) {
        stream.end();
        return;
      }
      givenBytes += chunk.length;
      await write(stream, chunk);
      // It takes all it is given until its data ends.
      if (stream.bytesWritten < givenBytes) {
        reader.giveBack(givenBytes - stream.bytesWritten);
        return;
      }
    }
  })();
  // A failure to read ends the output with that failure; one of the stream itself is thrown there already.
  feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const chunk of stream) yield chunk;
    await feeding;
  } finally {
    stopped = true;
    stream.destroy();
    await feeding.catch(() => {});
  }
}

/** Resolves when the chunk was taken, or never will be: a stream that fails forgets to say so of the chunk it failed at. */
function write(stream: ZlibStream, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('close', done);
      resolve();
    };
    stream.once('close', done);
    stream.write(chunk, done);
  });
}

/** Whether zlib met the end of the file where more was to come. */
export function isUnexpectedEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
}

/** Whether the failure is zlib's own word on its input: its codes begin with Z_ and ZSTD_. */
export function isZlibFailure(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^Z(STD)?_/.test(String(error.code));
}
