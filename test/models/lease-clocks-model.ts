import type { Model, Step } from './explore.ts';

/**
 * One operation's lease by the clocks of several processes (src/operations/claim-operations.ts, heartbeat.ts): who may take it
 * from whom, and when. That nothing is done twice needs no clock (operations-model.ts); that a lease is of any use does: it
 * stays with whoever renews it in time, and comes free soon behind one who died.
 *
 * Time is in ticks. Each process has a clock that may jump to any distance from the true time within `skew` at any moment.
 * All times are kept as seen from the true present, so that the model is as wide as a lease is long, however long it runs.
 */
export interface ClockSize {
  readonly processes: number;
  readonly leaseTicks: number;
  /** A lease is renewed when this much of it is over, by its holder's clock. */
  readonly renewTicks: number;
  /** How often a holder looks, at most: so late is the scheduler. */
  readonly beatTicks: number;
  /** How far any clock is from the true time, either way. */
  readonly skew: number;
  /** A clock that was further off once, however long ago; none by default. */
  readonly onceAhead?: number;
}

interface Process {
  readonly isUp: boolean;
  /** What its clock shows, less the true time. */
  readonly offset: number;
  /** It believes that it has the lease. */
  readonly runs: boolean;
  readonly sinceBeat: number;
}

interface State {
  readonly processes: readonly Process[];
  /** The place in `processes` of who has the lease by the row; none at first. */
  readonly owner: number | undefined;
  /** lease_expires_at, less the true time. */
  readonly expires: number;
  /** Ticks since the owner died. */
  readonly deadFor: number;
  /** Whose lease was taken though it renewed in time. */
  readonly robbed: boolean;
}

export function createLeaseClocksModel(size: ClockSize): Model<State> {
  const { processes: count, leaseTicks, skew } = size;
  // Behind this it makes no difference how long ago.
  const longAgo = leaseTicks + 2 * skew + 1;
  const process: Process = { isUp: true, offset: 0, runs: false, sinceBeat: 0 };
  return {
    initial: {
      processes: Array.from({ length: count }, () => process),
      owner: undefined,
      expires: -longAgo,
      deadFor: 0,
      robbed: false,
    },
    *steps(state) {
      yield* timeSteps(size, state, longAgo);
      for (const index of state.processes.keys()) yield* processSteps(size, state, index);
    },
    parts: (state) => ({ inOrder: [state.processes, state.owner ?? null, state.expires, state.deadFor, state.robbed] }),
    always: {
      'who renews in time keeps the lease': ({ robbed }) => !robbed,
      'a lease comes free within its length and twice the skew behind the death of its holder': (state) =>
        state.deadFor <= leaseTicks + 2 * skew ||
        state.processes.every(({ isUp, offset }) => !isUp || state.expires <= offset),
    },
    isFinal: () => false,
  };
}

function isHolderAlive({ owner, processes }: State): boolean {
  const process = owner === undefined ? undefined : processes[owner];
  return process?.isUp === true && process.runs;
}

function* timeSteps({ beatTicks }: ClockSize, state: State, longAgo: number): Iterable<Step<State>> {
  // Who lives and runs beats in time: the clock does not go on before it has.
  if (state.processes.some(({ isUp, runs, sinceBeat }) => isUp && runs && sinceBeat >= beatTicks)) return;
  const isOrphan = state.owner !== undefined && !isHolderAlive(state);
  yield {
    name: 'a tick',
    next: {
      ...state,
      processes: state.processes.map((one) => (one.isUp && one.runs ? { ...one, sinceBeat: one.sinceBeat + 1 } : one)),
      expires: Math.max(-longAgo, state.expires - 1),
      deadFor: isOrphan ? Math.min(longAgo, state.deadFor + 1) : 0,
    },
  };
}

function* processSteps(size: ClockSize, state: State, index: number): Iterable<Step<State>> {
  const process = state.processes[index];
  if (process === undefined) return;
  const { leaseTicks, renewTicks, skew, onceAhead } = size;
  const { offset } = process;
  const change = (next: Partial<Process>): State => ({
    ...state,
    processes: state.processes.map((one, at) => (at === index ? { ...one, ...next } : one)),
  });
  if (!process.isUp) {
    yield { name: `${index} starts`, next: change({ isUp: true }) };
    return;
  }
  yield { name: `${index} is killed`, next: change({ isUp: false, runs: false, sinceBeat: 0 }), isFault: true };
  for (let to = -skew; to <= skew; to += 1) {
    if (to !== offset)
      yield { name: `${index}'s clock jumps to ${to} off the true time`, next: change({ offset: to }), isFault: true };
  }
  if (onceAhead !== undefined && state.owner === undefined) {
    yield {
      name: `${index}'s clock jumps to ${onceAhead} off the true time`,
      next: change({ offset: onceAhead }),
      isFault: true,
    };
  }
  const isOwner = state.owner === index;
  if (!process.runs && state.expires <= offset) {
    yield {
      name: `${index} claims (claimOperations)`,
      next: {
        ...change({ runs: true, sinceBeat: 0 }),
        owner: index,
        expires: offset + leaseTicks,
        deadFor: 0,
        robbed: isHolderAlive(state),
      },
    };
  }
  if (process.runs) {
    const isDue = isOwner && state.expires - offset <= leaseTicks - renewTicks;
    const beaten = change({ sinceBeat: 0, runs: isOwner });
    yield {
      name: `${index} beats${isDue ? ', and renews' : ''} (beat)`,
      next: isDue ? { ...beaten, expires: offset + leaseTicks } : beaten,
    };
  }
}
