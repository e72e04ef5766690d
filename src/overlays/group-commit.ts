/**
 * One run for many who ask: each waits for a run that began after it asked, and one run is at work at a time. A run that
 * fails, fails for those who waited for it.
 */
export class GroupCommit {
  readonly #run: () => Promise<void>;
  #current: Promise<void> = Promise.resolve();
  /** The run that has not begun yet. */
  #next: Promise<void> | undefined;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  wait(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const begin = (): Promise<void> => {
      this.#next = undefined;
      return this.#run();
    };
    const next = this.#current.then(begin, begin);
    this.#next = next;
    this.#current = next;
    return next;
  }
}
