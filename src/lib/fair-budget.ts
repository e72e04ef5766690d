import { abortReason } from './abort-reason.ts';
import { type Held, whoGivesWay } from './fair-share.ts';
import { GaveWay } from './gave-way.ts';
import { LruMap } from './lru-map.ts';

/** Part of a budget; dispose it to give it back. */
export interface Share extends Disposable {
  /** Aborted, with GaveWay, when others need it: give it back soon. */
  readonly wanted: AbortSignal;
}

export interface ShareOptions {
  /** Whom it is for. */
  readonly group: string;
  /** For how long it is kept while other groups have nothing, in milliseconds. */
  readonly turnMs: number;
  readonly signal?: AbortSignal;
}

export interface FairBudgetOptions {
  /** How long anyone waits before somebody is asked to give way: most work ends by itself. In milliseconds. */
  readonly patienceMs?: number;
  /** A clock that does not go back, in milliseconds. */
  readonly now?: () => number;
}

interface Holder extends Held {
  readonly bytes: number;
  readonly asked: AbortController;
}

interface Waiting {
  readonly bytes: number;
  readonly group: string;
  readonly turnMs: number;
  readonly since: number;
  grant(share: Share): void;
}

/** As many groups are remembered to have been served. */
const groupsKept = 10_000;
const defaultPatienceMs = 1_000;

/**
 * A number of bytes that groups share. Who asks for more than is left waits, and never overshoots: next is the group
 * that holds least, of those the one served longest ago, and within a group who asked first. Nobody overtakes the next one. A
 * group that is alone may hold everything; when another comes, holders are asked to give way (fair-share.ts).
 *
 * To stay clear of deadlock, reserve once for the whole of a piece of work, not in steps.
 */
export class FairBudget {
  readonly totalBytes: number;
  readonly #patienceMs: number;
  readonly #now: () => number;
  #freeBytes: number;
  #served = 0;
  readonly #lastServed = new LruMap<string, number>(groupsKept);
  readonly #holders = new Set<Holder>();
  /** In the order of asking. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    totalBytes: number,
    { patienceMs = defaultPatienceMs, now = () => performance.now() }: FairBudgetOptions = {},
  ) {
    this.totalBytes = totalBytes;
    this.#freeBytes = totalBytes;
    this.#patienceMs = patienceMs;
    this.#now = now;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Waits for its turn. Throws RangeError for more than the whole budget, and the signal's reason when aborted. */
  async reserve(bytes: number, { group, turnMs, signal }: ShareOptions): Promise<Share> {
    if (bytes > this.totalBytes) {
      throw new RangeError(`${bytes} bytes asked of a budget of ${this.totalBytes}`);
    }
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Share>();
    const waiting: Waiting = { bytes, group, turnMs, since: this.#now(), grant: resolve };
    this.#waiting.add(waiting);
    const giveUp = (): void => {
      if (!this.#waiting.delete(waiting)) return;
      this.#grant(); // whoever stood behind this one may fit
      reject(abortReason(signal));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#grant();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  #grant(): void {
    for (let next = this.#next(); next !== undefined && next.bytes <= this.#freeBytes; next = this.#next()) {
      this.#waiting.delete(next);
      next.grant(this.#take(next));
    }
    this.#watch();
  }

  #next(): Waiting | undefined {
    let best: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (best === undefined || this.#isBefore(waiting.group, best.group)) best = waiting;
    }
    return best;
  }

  #isBefore(one: string, other: string): boolean {
    const difference = this.#heldBy(one) - this.#heldBy(other);
    if (difference !== 0) return difference < 0;
    return (this.#lastServed.get(one) ?? 0) < (this.#lastServed.get(other) ?? 0);
  }

  #heldBy(group: string): number {
    let held = 0;
    for (const holder of this.#holders) if (holder.group === group) held++;
    return held;
  }

  #take({ bytes, group, turnMs }: Waiting): Share {
    const holder: Holder = { bytes, group, turnMs, since: this.#now(), asked: new AbortController() };
    this.#freeBytes -= bytes;
    this.#holders.add(holder);
    this.#lastServed.set(group, ++this.#served);
    return {
      wanted: holder.asked.signal,
      [Symbol.dispose]: () => {
        if (!this.#holders.delete(holder)) return;
        this.#freeBytes += bytes;
        this.#grant();
      },
    };
  }

  /** Looks again and again while anyone waits. */
  #watch(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => this.#ask(), this.#patienceMs);
  }

  /** Asks one holder to give way, unless nobody has waited long, or what was asked for is enough. */
  #ask(): void {
    const next = this.#next();
    const now = this.#now();
    if (next === undefined || now - next.since < this.#patienceMs) return;
    const holders = [...this.#holders];
    const leaving = holders.filter(({ asked }) => asked.signal.aborted);
    const staying = holders.filter(({ asked }) => !asked.signal.aborted);
    const coming = leaving.reduce((sum, { bytes }) => sum + bytes, this.#freeBytes);
    if (coming >= next.bytes) return;
    const held = staying.filter(({ group }) => group === next.group).length;
    whoGivesWay(staying, { group: next.group, held }, now)?.asked.abort(new GaveWay());
  }
}
