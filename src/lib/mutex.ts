/** Lets one at a time run, in the order of asking. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // Whoever comes next waits for the end of this one, however it ends.
    this.#last = result.catch(() => {});
    return result;
  }
}
