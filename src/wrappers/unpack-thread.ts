import { parentPort, workerData } from 'node:worker_threads';
import { BitsEnded } from './bzip2/bit-reader.ts';
import { Bzip2Damaged, Bzip2Scattered } from './bzip2/bzip2-damaged.ts';
import { type Bzip2Facts, readBzip2 } from './bzip2/read-bzip2.ts';
import { InputBuffer } from './input-buffer.ts';
import type { FromThread, ThreadFailure, ThreadFormat, ToThread } from './thread-messages.ts';
import { readXz, XzRefused } from './xz/read-xz.ts';

/*
 * A thread of its own for one file in a format whose decoder is not native: it would hold the main thread for a block
 * at a time. It asks for input and hands out output one message at a time, so neither side runs ahead.
 */

const format: ThreadFormat = workerData;
const port = parentPort;
if (port === null) throw new Error('files are unpacked by a worker thread only');

let answered: (answer: ToThread) => void = () => {};
port.on('message', (answer: ToThread) => answered(answer));

/** The answer to the last question, which is before the next question in its turn. */
let lastAnswer: Promise<ToThread> = Promise.resolve(undefined);

/**
 * One message at a time, the next when the one before is answered: the decoder of xz asks for input while its output is
 * still being taken.
 */
function ask(message: FromThread): Promise<ToThread> {
  lastAnswer = lastAnswer.then(() => {
    const { promise, resolve } = Promise.withResolvers<ToThread>();
    answered = resolve;
    port?.postMessage(message);
    return promise;
  });
  return lastAnswer;
}

async function nextInput(): Promise<Uint8Array | undefined> {
  return (await ask({ kind: 'want-input' }))?.bytes;
}

async function unpack(): Promise<Bzip2Facts | undefined> {
  const output = format === 'bzip2' ? readBzip2(new InputBuffer(nextInput)) : readXz(nextInput);
  for (;;) {
    const { done, value } = await output.next();
    if (done) return value;
    if (value.length > 0) await ask({ kind: 'output', bytes: value });
  }
}

function failureOf(error: unknown): ThreadFailure {
  if (error instanceof BitsEnded) return { check: 'truncated', reason: 'the file ends before its data does' };
  if (error instanceof Bzip2Damaged) return { check: 'damaged', reason: error.message };
  if (error instanceof Bzip2Scattered) return { check: 'streams', reason: error.message };
  if (error instanceof XzRefused) return { check: error.check, reason: error.message };
  throw error;
}

try {
  port.postMessage({ kind: 'done', facts: await unpack() } satisfies FromThread);
} catch (error) {
  port.postMessage({ kind: 'failed', failure: failureOf(error) } satisfies FromThread);
}
port.close();
