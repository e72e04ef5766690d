import type { Model, Step } from './explore.ts';

/**
 * One operation's lease and those who watch it (src/operations/lease-watch.ts, claim-operations.ts, heartbeat.ts): who may take it
 * from whom, and when. That nothing is done twice needs none of this (operations-model.ts); that a lease is of any use does: it
 * stays with whoever renews it in time, and comes free soon behind one who died.
 *
 * Time is in ticks, which pass for all processes alike: each measures how long something takes, and no clock shows the time of day,
 * which may be anything anywhere. A process may stall for any time, and goes on as if nothing had been.
 */
export interface WatchSize {
  readonly processes: number;
  /** A lease that was seen without a renewal for so long is over. */
  readonly leaseTicks: number;
  /** A lease is renewed when its last renewal is so long ago. */
  readonly renewTicks: number;
  /** How often a process looks and beats, at most: so late is the scheduler. */
  readonly beatTicks: number;
}

/** What the code checks, by where. */
export const watchGuards = {
  claimComparesRenewals: 'next-due.ts lockDueRow: the lease is as it was seen',
  changeBeginsAnew: 'last-changes.ts note: what has changed is unchanged from now on',
} as const;

export type WatchGuard = keyof typeof watchGuards;

interface Process {
  readonly isUp: boolean;
  readonly isStalled: boolean;
  /** It believes that it has the lease. */
  readonly runs: boolean;
  /** It has it by the row: it was the last to claim. */
  readonly isHolder: boolean;
  readonly sinceBeat: number;
  /** The lease as it saw it last: as it is now, as it was, or not at all. */
  readonly saw: 'this' | 'other' | 'none';
  /** Since it first saw that. */
  readonly sawFor: number;
  /** How long it has looked on, without a stall, while nobody was there to renew. */
  readonly waitsFor: number;
}

interface State {
  readonly processes: readonly Process[];
  readonly isTaken: boolean;
  readonly sinceRenewal: number;
  /** Somebody's lease was taken though it renewed in time. */
  readonly robbed: boolean;
}

const started: Process = {
  isUp: true,
  isStalled: false,
  runs: false,
  isHolder: false,
  sinceBeat: 0,
  saw: 'none',
  sawFor: 0,
  waitsFor: 0,
};

export function createLeaseWatchModel(size: WatchSize, without?: WatchGuard): Model<State> {
  const { leaseTicks, beatTicks } = size;
  // The first look comes within a beat, the one at which the lease is over within another.
  const soon = leaseTicks + 2 * beatTicks;
  const protocol = new Protocol(size, (guard) => guard !== without);
  const processes = Array.from({ length: size.processes }, () => started);
  return {
    initial: { processes, isTaken: false, sinceRenewal: 0, robbed: false },
    steps: (state) => protocol.steps(state),
    parts: ({ processes, ...rest }) => ({ inOrder: [rest], alike: processes }),
    always: {
      'who renews in time keeps the lease': ({ robbed }) => !robbed,
      'a lease comes free within its length and two beats behind the death of its holder, for all who look on': ({
        processes,
      }) => processes.every((process) => process.waitsFor <= soon || isOver(process, leaseTicks)),
    },
    isFinal: () => false,
  };
}

/** As it knows from its looks; the row is asked when it claims. */
function isOver({ saw, sawFor }: Process, leaseTicks: number): boolean {
  return saw !== 'none' && sawFor >= leaseTicks;
}

/** Somebody has the lease and is there to renew it, now or when a stall is over. */
function isKept({ processes }: State): boolean {
  return processes.some(({ isUp, runs, isHolder }) => isUp && runs && isHolder);
}

class Protocol {
  readonly #size: WatchSize;
  readonly #has: (guard: WatchGuard) => boolean;

  constructor(size: WatchSize, has: (guard: WatchGuard) => boolean) {
    this.#size = size;
    this.#has = has;
  }

  *steps(state: State): Generator<Step<State>> {
    yield* this.#tick(state);
    for (const [index, process] of state.processes.entries()) yield* this.#processSteps(state, index, process);
  }

  *#tick(state: State): Iterable<Step<State>> {
    const { leaseTicks, renewTicks, beatTicks } = this.#size;
    // Who is up and does not stall beats in time: time does not go on before it has.
    const isLate = ({ isUp, isStalled, sinceBeat }: Process) => isUp && !isStalled && sinceBeat >= beatTicks;
    if (state.processes.some(isLate)) return;
    const isLeft = state.isTaken && !isKept(state);
    // Each counts as far as it makes a difference.
    const processes = state.processes.map((one) => {
      if (!one.isUp) return one;
      return {
        ...one,
        sinceBeat: one.isStalled ? 0 : one.sinceBeat + 1,
        sawFor: one.saw === 'none' ? 0 : Math.min(leaseTicks, one.sawFor + 1),
        waitsFor: isLeft && !one.isStalled ? Math.min(leaseTicks + 2 * beatTicks + 1, one.waitsFor + 1) : 0,
      };
    });
    const sinceRenewal = Math.min(renewTicks + beatTicks + 1, state.sinceRenewal + 1);
    yield { name: 'a tick', next: { ...state, processes, sinceRenewal } };
  }

  *#processSteps(state: State, index: number, process: Process): Iterable<Step<State>> {
    const change = (next: Partial<Process>): State => ({
      ...state,
      processes: state.processes.map((one, at) => (at === index ? { ...one, ...next } : one)),
    });
    if (!process.isUp) {
      yield { name: `${index} starts`, next: change(started) };
      return;
    }
    yield { name: `${index} is killed`, next: change({ ...started, isUp: false }), isFault: true };
    if (process.isStalled) {
      yield { name: `${index} goes on`, next: change({ isStalled: false, sinceBeat: this.#size.beatTicks }) };
      return;
    }
    yield {
      name: `${index} stalls`,
      next: change({ isStalled: true, sinceBeat: 0, waitsFor: 0 }),
      isFault: true,
    };
    if (process.runs) {
      yield this.#beat(state, index, process, change);
      return;
    }
    yield { name: `${index} looks (LeaseWatch.look)`, next: change({ ...this.#look(state, process), sinceBeat: 0 }) };
    const isSame = process.saw === 'this' || !this.#has('claimComparesRenewals');
    if (!state.isTaken || (isOver(process, this.#size.leaseTicks) && isSame)) yield this.#claim(state, index);
  }

  #look({ isTaken }: State, { saw }: Process): Partial<Process> {
    if (!isTaken) return {};
    const isNew = saw === 'none' || (saw === 'other' && this.#has('changeBeginsAnew'));
    return isNew ? { saw: 'this', sawFor: 0 } : { saw: 'this' };
  }

  #claim(state: State, index: number): Step<State> {
    const { renewTicks, beatTicks } = this.#size;
    const robbed = isKept(state) && state.sinceRenewal <= renewTicks + beatTicks;
    const processes = state.processes.map((one, at) =>
      at === index ? { ...started, runs: true, isHolder: true } : { ...changed(one), isHolder: false, waitsFor: 0 },
    );
    return { name: `${index} claims (claimNext)`, next: { processes, isTaken: true, sinceRenewal: 0, robbed } };
  }

  #beat(state: State, index: number, { isHolder }: Process, change: (next: Partial<Process>) => State): Step<State> {
    if (!isHolder) {
      return { name: `${index} beats, and sees that its lease is lost`, next: change({ sinceBeat: 0, runs: false }) };
    }
    const beaten = change({ sinceBeat: 0 });
    if (state.sinceRenewal < this.#size.renewTicks) return { name: `${index} beats`, next: beaten };
    const processes = beaten.processes.map((one, at) => (at === index ? one : changed(one)));
    return { name: `${index} beats, and renews (beat)`, next: { ...beaten, processes, sinceRenewal: 0 } };
  }
}

/** The lease is not any more as it was when the process last looked. */
function changed(process: Process): Process {
  return process.saw === 'this' ? { ...process, saw: 'other' } : process;
}
