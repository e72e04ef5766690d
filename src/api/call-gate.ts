import { overloaded } from '../errors.ts';
import { abortReason } from '../lib/abort-reason.ts';

/** What calls may take of the process. Times in milliseconds. */
export interface CallLimits {
  /** Calls that are here at all, whatever they do; one more is refused before anything is known of it. */
  readonly present: number;
  /** Calls that are worked on at a time, of all callers and of one. */
  readonly running: number;
  readonly runningPerCaller: number;
  /** Calls that wait for that, of all callers and of one, and for how long. */
  readonly waiting: number;
  readonly waitingPerCaller: number;
  readonly waitMs: number;
  /** Calls of one caller that wait for something else and cost nothing meanwhile: the end of an operation. */
  readonly asidePerCaller: number;
  /** When to come again, for who is refused. */
  readonly retryMs: number;
}

/**
 * One thread answers, and one connection of SQLite reads: more calls at a time are not answered sooner, they only hold more
 * memory, and put their statements before those of others. A client with a hundred streams on one connection is never
 * refused.
 */
export const callLimits: CallLimits = {
  present: 4_096,
  running: 64,
  runningPerCaller: 16,
  waiting: 1_024,
  waitingPerCaller: 256,
  waitMs: 5_000,
  asidePerCaller: 1_000,
  retryMs: 1_000,
};

/** Bodies that come in, and contents that go out, last as long as their clients like: nobody waits for the end of one. */
const withoutWaiting = {
  present: 1_024,
  waiting: 0,
  waitingPerCaller: 0,
  waitMs: 0,
  asidePerCaller: 0,
  retryMs: 1_000,
};

/** Files that are being sent to us; each may hold a batch of bytes, and keeps the disk busy. */
export const bodyLimits: CallLimits = { ...withoutWaiting, running: 128, runningPerCaller: 64 };

/** Contents that are being read; each holds some megabytes that are read ahead. */
export const contentLimits: CallLimits = { ...withoutWaiting, running: 64, runningPerCaller: 32 };

/** Of a call that was let in. Dispose it when the call was answered. */
export interface CallPlace extends Disposable {
  /**
   * Waits for the caller's turn; once for each place. Throws RESOURCE_EXHAUSTED at once when too many wait, and later when
   * the wait was too long; throws the signal's reason when the client leaves.
   */
  take(caller: string, signal: AbortSignal): Promise<void>;
  /**
   * Does what only waits, after `take`, without a place among those that work. Throws RESOURCE_EXHAUSTED when too many of the
   * caller's do that already.
   */
  aside<T>(wait: () => Promise<T>): Promise<T>;
}

/** How a caller is known to the gate who has shown no token: by where he is. No subject's id has a space. */
export function strangerAt(peer: string): string {
  return `stranger ${peer.replace(/:\d+$/, '')}`;
}

/** What the gate sees now, and has seen since the start. */
export interface CallGateFigures {
  readonly present: number;
  readonly running: number;
  readonly waiting: number;
  readonly aside: number;
  readonly refused: Readonly<Record<CallRefusal, number>>;
  /** What all calls together have waited for their turn. */
  readonly waitedMs: number;
}

/** Why: too many are here, too many of all callers wait, too many of this one do, it waited too long, too many are aside. */
export type CallRefusal = 'present' | 'waiting' | 'caller' | 'late' | 'aside';

/** A call that waits for its turn. */
interface Waiting {
  admit(): void;
}

interface Caller {
  running: number;
  aside: number;
  readonly waiting: Set<Waiting>;
}

/**
 * Lets calls in, a few at a time: the rest waits, a little and not for long, and what is more is refused at once, cheaply, with
 * a word on when to come again. Callers take turns, however many calls each of them makes: a flood of one makes only
 * his own calls wait.
 */
export class CallGate {
  readonly #limits: CallLimits;
  /** Those with calls here. The first with a call that may run is next; whose turn it was goes to the end. */
  readonly #callers = new Map<string, Caller>();
  readonly #refused: Record<CallRefusal, number> = { present: 0, waiting: 0, caller: 0, late: 0, aside: 0 };
  #present = 0;
  #running = 0;
  #waiting = 0;
  #aside = 0;
  #waitedMs = 0;

  constructor(limits: CallLimits) {
    this.#limits = limits;
  }

  /** For a call that has just come. Throws RESOURCE_EXHAUSTED when there are too many, whoever makes them. */
  enter(): CallPlace {
    if (this.#present >= this.#limits.present) throw this.#refuse('present');
    this.#present += 1;
    let name = '';
    let state: 'new' | 'running' | 'aside' | 'over' = 'new';
    return {
      take: async (caller, signal) => {
        if (state !== 'new') throw new Error('a call takes one place');
        await this.#take(caller, signal);
        name = caller;
        state = 'running';
      },
      aside: async (wait) => {
        if (state === 'running') {
          this.#stepAside(name);
          state = 'aside';
        }
        return await wait();
      },
      [Symbol.dispose]: () => {
        if (state === 'running') this.#giveBack(name);
        if (state === 'aside') this.#leaveAside(name);
        else if (state !== 'over') this.#present -= 1;
        state = 'over';
      },
    };
  }

  figures(): CallGateFigures {
    return {
      present: this.#present,
      running: this.#running,
      waiting: this.#waiting,
      aside: this.#aside,
      refused: { ...this.#refused },
      waitedMs: this.#waitedMs,
    };
  }

  async #take(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const caller = this.#callers.get(name) ?? { running: 0, aside: 0, waiting: new Set() };
    this.#callers.set(name, caller);
    if (this.#mayRun(caller)) {
      this.#run(caller);
      return;
    }
    const { waiting, waitingPerCaller } = this.#limits;
    if (caller.waiting.size >= waitingPerCaller) throw this.#refuseOf(name, caller, 'caller');
    if (this.#waiting >= waiting) throw this.#refuseOf(name, caller, 'waiting');
    await this.#wait(name, caller, signal);
  }

  #giveBack(name: string): void {
    const caller = this.#callers.get(name);
    if (caller === undefined) return;
    caller.running -= 1;
    this.#running -= 1;
    this.#forgetIdle(name, caller);
    this.#admitNext();
  }

  #stepAside(name: string): void {
    const caller = this.#callers.get(name);
    if (caller === undefined) throw new Error('a call without a place cannot step aside');
    if (caller.aside >= this.#limits.asidePerCaller) throw this.#refuse('aside');
    caller.aside += 1;
    this.#aside += 1;
    this.#present -= 1;
    this.#giveBack(name);
  }

  #leaveAside(name: string): void {
    const caller = this.#callers.get(name);
    if (caller === undefined) return;
    caller.aside -= 1;
    this.#aside -= 1;
    this.#forgetIdle(name, caller);
  }

  async #wait(name: string, caller: Caller, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const begunAt = performance.now();
    const waiting: Waiting = { admit: resolve };
    const giveUp = (error: Error): void => {
      if (!caller.waiting.delete(waiting)) return; // it was let in meanwhile
      this.#waiting -= 1;
      this.#forgetIdle(name, caller);
      reject(error);
    };
    const onAbort = (): void => giveUp(abortReason(signal));
    const late = setTimeout(() => {
      if (caller.waiting.has(waiting)) giveUp(this.#refuse('late'));
    }, this.#limits.waitMs);
    caller.waiting.add(waiting);
    this.#waiting += 1;
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
      this.#waitedMs += performance.now() - begunAt;
    }
  }

  #mayRun(caller: Caller): boolean {
    return this.#running < this.#limits.running && caller.running < this.#limits.runningPerCaller;
  }

  #run(caller: Caller): void {
    caller.running += 1;
    this.#running += 1;
  }

  /** Lets in one that waits, of the caller whose turn was the longest ago. */
  #admitNext(): void {
    if (this.#waiting === 0) return;
    for (const [name, caller] of this.#callers) {
      const [next] = caller.waiting;
      if (next === undefined || !this.#mayRun(caller)) continue;
      caller.waiting.delete(next);
      this.#waiting -= 1;
      this.#run(caller);
      this.#callers.delete(name);
      this.#callers.set(name, caller);
      next.admit();
      return;
    }
  }

  #forgetIdle(name: string, caller: Caller): void {
    if (caller.running + caller.aside + caller.waiting.size === 0) this.#callers.delete(name);
  }

  #refuseOf(name: string, caller: Caller, why: CallRefusal): Error {
    this.#forgetIdle(name, caller);
    return this.#refuse(why);
  }

  #refuse(why: CallRefusal): Error {
    this.#refused[why] += 1;
    return overloaded(messages[why], this.#limits.retryMs);
  }
}

const messages: Readonly<Record<CallRefusal, string>> = {
  present: 'Too many calls are under way; try again in a moment',
  waiting: 'Too many calls wait to be answered; try again in a moment',
  caller: 'Too many calls of yours are under way; make fewer at a time, and try again in a moment',
  late: 'The call waited too long for its turn; try again in a moment',
  aside: 'Too many calls of yours wait for operations; try again when some have ended',
};
