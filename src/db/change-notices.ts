/**
 * Words that something was committed, of this process or another: a reason to look, and nothing more. One may come twice, or not
 * at all; what it says of the change is a hint where to look. Whoever subscribes finds everything without them, only later.
 */
export interface ChangeNotices {
  /**
   * Has the listener called for each notice of the topic, with its subject; and without one when anything may have happened: notices
   * were lost. It is not to throw. Dispose it to end that.
   */
  subscribe(topic: string, listener: (subject: string | undefined) => void): Disposable;
  /** Notices come as things happen. While they do not, who waits for something looks more often. */
  readonly areHeard: boolean;
}

/** Of a database that one process alone uses: what it changes it knows. */
export const noNotices: ChangeNotices = {
  subscribe: () => ({ [Symbol.dispose]() {} }),
  areHeard: false,
};

/** Those who listen, by topic. */
export class Subscribers {
  readonly #listeners = new Map<string, Set<(subject: string | undefined) => void>>();

  subscribe(topic: string, listener: (subject: string | undefined) => void): Disposable {
    // A function of its own: the same listener may be given twice.
    const own = (subject: string | undefined) => listener(subject);
    const others = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, others.add(own));
    return { [Symbol.dispose]: () => void others.delete(own) };
  }

  tell(topic: string, subject: string): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(subject);
  }

  /** Anything may have happened. */
  tellAll(): void {
    for (const listeners of [...this.#listeners.values()]) for (const listener of [...listeners]) listener(undefined);
  }
}
