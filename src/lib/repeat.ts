/** Work that is done again and again in the background, once at a time. Dispose it to stop; it waits for what runs. */
export interface Repetition extends AsyncDisposable {
  /** There is something to do: soon, not at once, so that many such calls are one run. */
  wake(): void;
}

export interface RepeatOptions {
  /** From the end of a run to the next one, if nobody wakes it. */
  readonly everyMs: number;
  /** From `wake`, and from the start, to the run. */
  readonly soonMs: number;
  run(signal: AbortSignal): Promise<void>;
  /** A run failed; it is repeated all the same. */
  onError(error: unknown): void;
}

export function repeat({ everyMs, soonMs, run, onError }: RepeatOptions): Repetition {
  const stopped = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  /** Somebody woke us since the last run began: what they mean may not have been seen by it. */
  let woken = false;

  function schedule(afterMs: number): void {
    clearTimeout(timer);
    if (stopped.signal.aborted) return;
    timer = setTimeout(() => {
      running = running.then(runOnce).then(() => schedule(woken ? soonMs : everyMs));
    }, afterMs);
    timer.unref();
  }

  async function runOnce(): Promise<void> {
    if (stopped.signal.aborted) return;
    woken = false;
    try {
      await run(stopped.signal);
    } catch (error) {
      if (!stopped.signal.aborted) onError(error);
    }
  }

  schedule(soonMs);
  return {
    wake() {
      // The first call sets the time: calls that never end would else put the run off for ever.
      if (woken) return;
      woken = true;
      schedule(soonMs);
    },
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error('the service is stopping'));
      clearTimeout(timer);
      await running;
    },
  };
}
