/** What there is in the model of operations (operations-model.ts): rows, processes, what may still go wrong. */

export interface Row {
  /** `none` before its request; `deleted` when its record is gone. Ids are never used again. */
  readonly state: 'none' | 'pending' | 'running' | 'done' | 'deleted';
  readonly epoch: number;
  readonly attempts: number;
  readonly hasCheckpoint: boolean;
  readonly outcome: '' | 'result' | 'error' | 'cancelled';
  /** Not in the database: how often the work's own commit, and its kind's `abandon`, went through. */
  readonly results: number;
  readonly abandons: number;
  /** Not in the database: how often the work was begun since it last came on new ground, orderly stops aside. */
  readonly begun: number;
}

/** An ActiveRun, from the commit of its claim to its last clean-up. */
export interface Run {
  readonly id: number;
  readonly epoch: number;
  readonly attempts: number;
  /**
   *   claimed    the claim is committed, and not launched yet
   *   working    kind.run
   *   checked    only in a mutation: between a check of the lease and the commit that relies on it
   *   settling   it ended by `failure`
   *   cleaning   what became of the operation is written
   */
  readonly phase: 'claimed' | 'working' | 'checked' | 'settling' | 'cleaning';
  /** kind.run was called. */
  readonly isBegun: boolean;
  readonly failure: '' | 'lease lost' | 'unavailable' | 'failed';
  /** The first reason stays. */
  readonly aborted: '' | 'lost' | 'stopping' | 'gave way';
}

export interface Process {
  readonly state: 'down' | 'started' | 'stopping';
  readonly runs: readonly Run[];
  /** Cancelled by this process, which is about to call the runner's `abort`. */
  readonly toAbort: readonly number[];
  /** The runner's own: cancelled while a claim was under way. */
  readonly cancelledInClaim: readonly number[];
  /** The clean-ups made here. */
  readonly cleaned: readonly number[];
  /** Only in a mutation: a request found no operation of its key, and is about to start one. */
  readonly isRequesting: boolean;
}

/**
 * What may go wrong, or be asked for in the middle of everything:
 *
 *   kill           a process dies
 *   stop           a process is asked to stop in order
 *   early expiry   a lease is taken for over though its holder lives: a process stalls, or is cut off from the database
 *   lost answer    a transaction is committed, and who made it is told that the database failed
 *   failure        the work throws
 *   turn           a run is to give way to another cloud's operation
 *   cancel         of an operation
 *   deletion       of the record of one that is done
 */
export const faults = ['kill', 'stop', 'early expiry', 'lost answer', 'failure', 'turn', 'cancel', 'deletion'] as const;

/** What no process does. */
export const wrongs = [
  'a commit without the lease',
  'a change without the lease',
  'an operation run twice at once by one process',
  'a clean-up before another attempt',
  'a clean-up under the work',
  'work that is begun behind its clean-up',
  'a second operation for one request',
] as const;

export type Wrong = (typeof wrongs)[number];

export type Fault = (typeof faults)[number];

export interface State {
  readonly rows: readonly Row[];
  readonly processes: readonly Process[];
  /** Faults that may still happen, of any kind. */
  readonly faultsLeft: number;
  /** What was done though it must never be, where the rows do not show it. */
  readonly wrong: '' | Wrong;
}

export const newRow: Row = {
  state: 'none',
  epoch: 0,
  attempts: 0,
  hasCheckpoint: false,
  outcome: '',
  results: 0,
  abandons: 0,
  begun: 0,
};

export const downProcess: Process = {
  state: 'down',
  runs: [],
  toAbort: [],
  cancelledInClaim: [],
  cleaned: [],
  isRequesting: false,
};

export function rowOf(state: State, id: number): Row {
  return state.rows[id] ?? newRow;
}

export function withRow(state: State, id: number, change: Partial<Row>): State {
  return { ...state, rows: state.rows.map((row, at) => (at === id ? { ...row, ...change } : row)) };
}

export function withProcess(state: State, index: number, change: Partial<Process>): State {
  return { ...state, processes: state.processes.map((one, at) => (at === index ? { ...one, ...change } : one)) };
}

/** The run in place of the one that is there; undefined ends it. */
export function withRun(state: State, index: number, run: Run, next: Partial<Run> | undefined): State {
  const runs = (state.processes[index]?.runs ?? []).flatMap((one) => {
    if (one !== run) return [one];
    return next === undefined ? [] : [{ ...one, ...next }];
  });
  return withProcess(state, index, { runs });
}

/** Whether a process that is up runs the operation under the epoch that its row has. */
export function isHeldByTheLiving({ processes }: State, id: number, { epoch }: Row): boolean {
  return processes.some(({ runs }) => runs.some((run) => run.id === id && run.epoch === epoch));
}
