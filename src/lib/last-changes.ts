export interface LastChangesOptions {
  /** A clock that does not go back, in milliseconds. */
  readonly now?: () => number;
}

/**
 * What has not changed for how long, found by looking now and then: by this process's monotonic clock alone, whatever the
 * clocks of those who make the changes show. Who acts upon it checks in its own transaction that the thing is still the same:
 * the last look may be long ago.
 */
export class LastChanges<Thing> {
  readonly #now: () => number;
  /** By what tells things, and their states, apart. */
  #seen = new Map<string, { readonly thing: Thing; readonly since: number }>();

  constructor({ now = () => performance.now() }: LastChangesOptions = {}) {
    this.#now = now;
  }

  /** What a look that has just ended found, by a key that changes with the thing; forgets everything else. */
  note(found: Iterable<readonly [key: string, thing: Thing]>): void {
    const since = this.#now();
    const before = this.#seen;
    this.#seen = new Map([...found].map(([key, thing]) => [key, before.get(key) ?? { thing, since }]));
  }

  /** What was there, and the same, at the last look and at every other since one that is at least so long ago. */
  unchangedFor(ms: number): Thing[] {
    const before = this.#now() - ms;
    return [...this.#seen.values()].filter(({ since }) => since <= before).map(({ thing }) => thing);
  }
}
