import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** An input that takes longer than this on the clock will never end. */
const hangMs = 30_000;

/**
 * Watches the main thread from another: a loop without an end leaves nobody else to say which input it was. When an input
 * does not end, writes how to run it again and kills the process. Disposing ends the watch.
 */
export class Watchdog implements AsyncDisposable {
  readonly #current = new BigInt64Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;

  /** @param command what runs one input again; its number is put behind it */
  constructor(command: string) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { current: this.#current, command } });
  }

  /** Says that an input has begun. */
  begin(input: number): void {
    Atomics.store(this.#current, 0, BigInt(input));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

if (!isMainThread) {
  const { current, command }: { current: BigInt64Array; command: string } = workerData;
  let last = -1n;
  setInterval(() => {
    const input = Atomics.load(current, 0);
    if (input === last) {
      writeSync(2, `An input does not end. Run it again with: ${command} ${input}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    last = input;
  }, hangMs);
}
