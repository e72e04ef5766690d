import { Worker } from 'node:worker_threads';
import type { Bzip2Facts } from './bzip2/read-bzip2.ts';
import type { InOrderReader } from './in-order-reader.ts';
import type { FromThread, ThreadFailure, ThreadFormat, ToThread } from './thread-messages.ts';

/** Enough for bzip2's input and garbage; what WebAssembly holds (a dictionary of 64 MiB) is beside it. */
const heapMegabytes = 64;

/** The thread could not unpack the file: what it found. */
export class ThreadRefused extends Error {
  readonly failure: ThreadFailure;

  constructor(failure: ThreadFailure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/**
 * Unpacks the reader's bytes on a thread of its own (unpack-thread.ts), which ends with the generator.
 *
 * @throws ThreadRefused; what the reader fails with; the thread's own error if it dies
 */
export async function* onThread(
  format: ThreadFormat,
  reader: InOrderReader,
): AsyncGenerator<Uint8Array, Bzip2Facts | undefined> {
  const worker = new Worker(new URL('./unpack-thread.ts', import.meta.url), {
    workerData: format,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  let coming = Promise.withResolvers<FromThread>();
  worker.on('message', (message: FromThread) => coming.resolve(message));
  worker.on('error', (error) => coming.reject(error));
  worker.on('exit', (code) => coming.reject(new Error(`the unpacking thread ended with code ${code}`)));
  try {
    for (;;) {
      const message = await coming.promise;
      coming = Promise.withResolvers();
      // An exit that nobody waits for is no failure.
      coming.promise.catch(() => {});
      if (message.kind === 'done') return message.facts;
      if (message.kind === 'failed') throw new ThreadRefused(message.failure);
      let answer: ToThread;
      if (message.kind === 'output') yield message.bytes;
      else answer = { bytes: await reader.next() };
      worker.postMessage(answer);
    }
  } finally {
    await worker.terminate();
  }
}
