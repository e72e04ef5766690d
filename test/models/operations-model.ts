import type { Model, Step } from './explore.ts';
import type { Guard, OperationsSize } from './operations-guards.ts';
import {
  downProcess,
  type Fault,
  faults,
  isHeldByTheLiving,
  newRow,
  type Process,
  type Row,
  type Run,
  rowOf,
  type State,
  withProcess,
  withRow,
  withRun,
  wrongs,
} from './operations-state.ts';

/**
 * The protocol of operations and their leases (src/operations/), every transaction one step, every process stopped for
 * any time or killed between any two of its steps.
 *
 * There is no clock in it: whether a lease is over, or a pending operation due, may come out either way at every look.
 * What holds here holds whoever takes what for over. lease-watch-model.ts has when that is.
 */

/** Operations that one key may come to have: another one when the record of the first is deleted. */
const idsOfKey = 2;

export function createOperationsModel(size: OperationsSize, without?: Guard): Model<State> {
  const rows = Array.from({ length: size.requests * idsOfKey }, () => newRow);
  const processes = Array.from({ length: size.processes }, () => downProcess);
  const protocol = new Protocol(size, (guard) => guard !== without);
  return {
    initial: { rows, processes, faultsLeft: size.faults, wrong: '' },
    steps: (state) => protocol.steps(state),
    parts: ({ rows, processes, faultsLeft, wrong }) => ({ inOrder: [faultsLeft, wrong, ...rows], alike: processes }),
    always: {
      'an operation ends once: its result is committed, or its kind abandons it, and never both': ({ rows }) =>
        rows.every(({ results, abandons }) => results + abandons <= 1),
      'an operation that says that it has a result has one, and no other': ({ rows }) =>
        rows.every(
          ({ outcome, results, abandons }) =>
            results === Number(outcome === 'result') &&
            abandons === Number(outcome === 'error' || outcome === 'cancelled'),
        ),
      'no two runs hold the lease on an operation': ({ rows, processes }) => {
        const runs = processes.flatMap((process) => process.runs);
        return rows.every((row, id) => runs.filter((run) => run.id === id && isHeld(row, run)).length <= 1);
      },
      'work that kills its process is begun no more often than allowed': ({ rows }) =>
        rows.every(({ begun }) => begun <= size.maxAttempts),
      ...Object.fromEntries(wrongs.map((each) => [`there is never ${each}`, ({ wrong }: State) => wrong !== each])),
    },
    everyStep: {
      'what is done does not change, and goes only with its record': (before, after) =>
        before.rows.every((row, id) => row.state !== 'done' || isSameEnd(row, rowOf(after, id))),
      'an operation is never lost': (before, after) =>
        before.rows.every(
          ({ state }, id) => rowOf(after, id).state !== 'deleted' || state === 'done' || state === 'deleted',
        ),
      'an epoch never falls': (before, after) => before.rows.every(({ epoch }, id) => rowOf(after, id).epoch >= epoch),
    },
    inTheEnd: {
      'every operation ends, when nothing goes wrong any more': ({ rows }) =>
        rows.every(({ state }) => state === 'none' || state === 'done' || state === 'deleted'),
    },
    isFinal: ({ rows }) => rows.every(({ state }) => state === 'done' || state === 'deleted' || state === 'none'),
  };
}

function isSameEnd(before: Row, after: Row): boolean {
  // How often it was begun is nothing of the row's: a worker that was taken over may begin in vain.
  return (
    before === after ||
    after.state === 'deleted' ||
    JSON.stringify({ ...before, begun: 0 }) === JSON.stringify({ ...after, begun: 0 })
  );
}

/** What a transaction of the work did: it went through, or found its lease lost. */
interface Leased {
  readonly state: State;
  readonly isHeld: boolean;
}

class Protocol {
  readonly #size: OperationsSize;
  readonly #has: (guard: Guard) => boolean;

  constructor(size: OperationsSize, has: (guard: Guard) => boolean) {
    this.#size = size;
    this.#has = has;
  }

  *steps(state: State): Generator<Step<State>> {
    for (const [index, process] of state.processes.entries()) {
      if (process.state === 'down') {
        yield { name: `${index} starts (Runner.start)`, next: withProcess(state, index, { state: 'started' }) };
        continue;
      }
      yield* this.#processSteps(state, index, process);
      yield* this.#requestSteps(state, index, process);
      if (process.state === 'started') yield* this.#claimSteps(state, index, process);
      for (const run of process.runs) yield* this.#runSteps(state, index, process, run);
    }
  }

  *#fault(fault: Fault, name: string, next: State): Iterable<Step<State>> {
    const { only = faults } = this.#size;
    if (next.faultsLeft === 0 || !only.includes(fault)) return;
    yield { name, next: { ...next, faultsLeft: next.faultsLeft - 1 }, isFault: true };
  }

  // --- a process and its callers ----------------------------------------------------------------------------------

  *#processSteps(state: State, index: number, process: Process): Iterable<Step<State>> {
    const down = withProcess(state, index, downProcess);
    yield* this.#fault('kill', `${index} is killed`, down);
    if (process.state === 'stopping') {
      const isOver = process.runs.length === 0;
      if (isOver) yield { name: `${index} exits`, next: down };
      else if (process.runs.every(({ phase }) => phase !== 'claimed')) {
        // Runner.stop, when the grace is over: what does not end loses its lease, and goes on until the process exits.
        let given = state;
        for (const run of process.runs) given = this.#giveBack(given, run).state;
        yield { name: `${index} gives back what does not stop (Runner.stop)`, next: given };
        yield {
          name: `${index} gives back what does not stop, and exits`,
          next: withProcess(given, index, downProcess),
        };
      }
    } else {
      const runs = process.runs.map((run): Run => ({ ...run, aborted: run.aborted === '' ? 'stopping' : run.aborted }));
      const stopping = withProcess(state, index, { state: 'stopping', runs });
      yield* this.#fault('stop', `${index} stops in order (Runner.stop)`, stopping);
    }
  }

  *#requestSteps(state: State, index: number, process: Process): Iterable<Step<State>> {
    for (let key = 0; key < this.#size.requests; key += 1) yield* this.#request(state, index, process, key);
    for (const [id, row] of state.rows.entries()) {
      const isUnderWay = row.state === 'pending' || row.state === 'running';
      if (isUnderWay || (row.state === 'done' && !this.#has('cancelFindsDone'))) {
        const cancelled = withRow(state, id, {
          state: 'done',
          outcome: 'cancelled',
          epoch: row.epoch + 1,
          abandons: row.abandons + 1,
        });
        const next = withProcess(cancelled, index, { toAbort: [...process.toAbort, id] });
        yield* this.#fault('cancel', `${index} cancels operation ${id} (cancelInTransaction)`, next);
      }
      if (row.state === 'done' || (isUnderWay && !this.#has('deleteAsksForDone'))) {
        const next = withRow(state, id, { ...row, state: 'deleted' });
        yield* this.#fault('deletion', `${index} deletes the record of ${id} (deleteOperation)`, next);
      }
    }
    for (const id of process.toAbort) {
      yield { name: `${index} stops the work on ${id} (Runner.abort)`, next: this.#abort(state, index, process, id) };
    }
  }

  /** startOnce: the key's operation as it is, or a new one. */
  *#request(state: State, index: number, process: Process, key: number): Iterable<Step<State>> {
    const ids = Array.from({ length: idsOfKey }, (_, at) => key * idsOfKey + at);
    const isThere = ids.some((id) => !['none', 'deleted'].includes(rowOf(state, id).state));
    const id = ids.find((each) => rowOf(state, each).state === 'none');
    if (!this.#has('requestLooksInside')) {
      if (process.isRequesting && isThere) {
        const next = withProcess(state, index, { isRequesting: false });
        yield {
          name: `${index} inserts an operation for the same key`,
          next: { ...next, wrong: 'a second operation for one request' },
        };
      }
      if (!isThere && !process.isRequesting) {
        yield {
          name: `${index} finds no operation of the key`,
          next: withProcess(state, index, { isRequesting: true }),
        };
      }
    }
    if (isThere || id === undefined) return;
    yield {
      name: `a request to ${index} starts operation ${id} (startOnce)`,
      next: withRow(state, id, { state: 'pending' }),
    };
  }

  #abort(state: State, index: number, process: Process, id: number): State {
    const toAbort = process.toAbort.filter((each) => each !== id);
    const run = process.runs.find((each) => each.id === id && each.phase !== 'claimed');
    const called = withProcess(state, index, { toAbort });
    if (run !== undefined) return withRun(called, index, run, { aborted: run.aborted === '' ? 'lost' : run.aborted });
    const isClaiming = process.runs.some(({ phase }) => phase === 'claimed');
    const noted = isClaiming && this.#has('cancelSeenInClaim');
    return this.#cleanUp(
      noted ? withProcess(called, index, { cancelledInClaim: [...process.cancelledInClaim, id].sort() }) : called,
      index,
      id,
      undefined,
    );
  }

  // --- claiming ---------------------------------------------------------------------------------------------------

  *#claimSteps(state: State, index: number, process: Process): Iterable<Step<State>> {
    for (const [id, row] of state.rows.entries()) {
      if (this.#has('claimSkipsOwn') && process.runs.some((run) => run.id === id)) continue;
      if (row.state !== 'pending' && row.state !== 'running') continue;
      const isEarly = row.state === 'running' && isHeldByTheLiving(state, id, row);
      if (row.state === 'running' && !isEarly && !this.#has('claimTakesExpired')) continue;
      const epoch = row.epoch + (this.#has('claimRaisesEpoch') ? 1 : 0);
      const attempts = row.attempts + (this.#has('claimCounts') ? 1 : 0);
      const changed = withRow(state, id, { state: 'running', epoch, attempts });
      const run: Run = { id, epoch, attempts, phase: 'claimed', isBegun: false, failure: '', aborted: '' };
      const name = `${index} claims operation ${id} under epoch ${epoch} (claimNext)`;
      const next = withProcess(changed, index, { runs: [...process.runs, run] });
      if (isEarly) yield* this.#fault('early expiry', name, next);
      else {
        yield { name, next };
        yield* this.#fault('lost answer', `${name}, and does not hear of it`, changed);
      }
    }
  }

  // --- one run ----------------------------------------------------------------------------------------------------

  *#runSteps(state: State, index: number, process: Process, run: Run): Iterable<Step<State>> {
    const what = `${index}, epoch ${run.epoch} of ${run.id}`;
    if (run.phase === 'claimed')
      yield { name: `${what}: is launched (#launch)`, next: this.#launch(state, index, process, run) };
    else if (run.phase === 'working') yield* this.#workSteps(state, index, run, what);
    else if (run.phase === 'checked') {
      yield {
        name: `${what}: commits what it checked before`,
        next: this.#commit(state, index, run, rowOf(state, run.id)),
      };
    } else if (run.phase === 'settling') {
      yield {
        name: `${what}: ${run.failure || 'stops'}, and settles (#settle)`,
        next: this.#settle(state, index, process, run),
      };
    } else {
      const next = withRun(this.#cleanUp(state, index, run.id, run), index, run, undefined);
      yield { name: `${what}: cleans up (#cleanUp)`, next };
    }
  }

  #launch(state: State, index: number, process: Process, run: Run): State {
    const { id, attempts } = run;
    const row = rowOf(state, id);
    const isCancelled = process.cancelledInClaim.includes(id);
    const aborted = run.aborted !== '' ? run.aborted : isCancelled ? 'lost' : '';
    const isLast = process.runs.every((other) => other === run || other.phase !== 'claimed');
    const launched = isLast ? withProcess(state, index, { cancelledInClaim: [] }) : state;
    if (aborted !== '') return withRun(launched, index, run, { phase: 'settling', aborted });
    if (attempts > this.#size.maxAttempts)
      return withRun(launched, index, run, { phase: 'settling', failure: 'failed' });
    const begun = withRow(withRun(launched, index, run, { phase: 'working', isBegun: isHeld(row, run) }), id, {
      begun: row.begun + Number(isHeld(row, run)),
    });
    if (process.runs.some((other) => other !== run && other.id === id && other.phase !== 'claimed')) {
      return { ...begun, wrong: 'an operation run twice at once by one process' };
    }
    if (process.cleaned.includes(id)) return { ...begun, wrong: 'work that is begun behind its clean-up' };
    return begun;
  }

  *#workSteps(state: State, index: number, run: Run, what: string): Iterable<Step<State>> {
    const row = rowOf(state, run.id);
    if (!isHeld(row, run) && run.aborted === '') {
      yield {
        name: `${what}: sees that its lease is lost (beat)`,
        next: withRun(state, index, run, { aborted: 'lost' }),
      };
    }
    if (run.aborted !== '')
      yield { name: `${what}: ends, being aborted`, next: withRun(state, index, run, { phase: 'settling' }) };
    if (!row.hasCheckpoint) {
      const { state: saved, isHeld } = this.#leased(state, run, 'checkpointChecksLease', {
        hasCheckpoint: true,
        attempts: 1,
        begun: 1,
      });
      const next = isHeld ? saved : withRun(state, index, run, { phase: 'settling', failure: 'lease lost' });
      yield { name: `${what}: saves a checkpoint on new ground (saveCheckpoint)${isHeld ? '' : ': LeaseLost'}`, next };
    }
    if (this.#has('finishHoldsRow')) {
      const isLost = this.#has('finishChecksLease') && !isHeld(row, run);
      const next = isLost
        ? withRun(state, index, run, { phase: 'settling', failure: 'lease lost' })
        : this.#commit(state, index, run, row);
      yield { name: `${what}: commits its result (finish)${isLost ? ': LeaseLost' : ''}`, next };
    } else {
      const next = withRun(
        state,
        index,
        run,
        isHeld(row, run) ? { phase: 'checked' } : { phase: 'settling', failure: 'lease lost' },
      );
      yield { name: `${what}: checks its lease`, next };
    }
    if (isHeld(row, run)) {
      const committed = withRow(state, run.id, { state: 'done', outcome: 'result', results: row.results + 1 });
      const next = withRun(committed, index, run, { phase: 'settling', failure: 'unavailable' });
      yield* this.#fault('lost answer', `${what}: commits its result, and does not hear of it`, next);
    }
    if (run.aborted === '') {
      const next = withRun(state, index, run, { aborted: 'gave way' });
      yield* this.#fault('turn', `${what}: is to give way (#makePlace)`, next);
    }
    for (const failure of ['unavailable', 'failed'] as const) {
      const next = withRun(state, index, run, { phase: 'settling', failure });
      yield* this.#fault('failure', `${what}: the work throws (${failure})`, next);
    }
  }

  /** finish, behind its check: the work's commit and the operation's end. */
  #commit(state: State, index: number, run: Run, row: Row): State {
    const committed = withRow(state, run.id, { state: 'done', outcome: 'result', results: row.results + 1 });
    const next = withRun(committed, index, run, undefined);
    return isHeld(row, run) ? next : { ...next, wrong: 'a commit without the lease' };
  }

  #settle(state: State, index: number, process: Process, run: Run): State {
    if (process.state === 'stopping') return withRun(this.#giveBack(state, run).state, index, run, undefined);
    const cleaning = { phase: 'cleaning' } as const;
    if (run.aborted === 'gave way') return withRun(this.#giveBack(state, run).state, index, run, cleaning);
    if (run.failure === 'lease lost' || run.aborted !== '') return withRun(state, index, run, cleaning);
    const row = rowOf(state, run.id);
    const isTriedAgain = run.failure === 'unavailable' && row.attempts < this.#size.maxAttempts;
    const change: Partial<Row> = isTriedAgain
      ? { state: 'pending' }
      : { state: 'done', outcome: 'error', abandons: row.abandons + 1 };
    return withRun(this.#leased(state, run, 'settleChecksLease', change).state, index, run, cleaning);
  }

  #giveBack(state: State, run: Run): Leased {
    const { attempts, begun } = rowOf(state, run.id);
    const change = {
      state: 'pending',
      attempts: Math.max(0, attempts - 1),
      begun: Math.max(0, begun - Number(run.isBegun)),
    } as const;
    return this.#leased(state, run, 'settleChecksLease', change);
  }

  /** changeLeased: the row is changed if it is running under the run's epoch. */
  #leased(state: State, run: Run, guard: Guard, change: Partial<Row>): Leased {
    const row = rowOf(state, run.id);
    const isRunning = row.state === 'running' || (row.state !== 'deleted' && !this.#has('leaseIsRunning'));
    if (this.#has(guard) && !(isRunning && row.epoch === run.epoch)) return { state, isHeld: false };
    const changed = withRow(state, run.id, change);
    return { state: isHeld(row, run) ? changed : { ...changed, wrong: 'a change without the lease' }, isHeld: true };
  }

  /** `run`: what ran here. */
  #cleanUp(state: State, index: number, id: number, run: Run | undefined): State {
    const { state: found, outcome } = rowOf(state, id);
    const isGone = found === 'deleted';
    const isUndone = found === 'done' && outcome !== 'result';
    if (this.#has('cleanUpLooks') && (isGone ? run === undefined : !isUndone)) return state;
    const process = state.processes[index] ?? downProcess;
    const cleaned = withProcess(state, index, { cleaned: [...new Set([...process.cleaned, id])].sort() });
    if (found === 'pending' || found === 'running') return { ...cleaned, wrong: 'a clean-up before another attempt' };
    const isBusy = process.runs.some((other) => other !== run && other.id === id && other.phase === 'working');
    return isBusy ? { ...cleaned, wrong: 'a clean-up under the work' } : cleaned;
  }
}

function isHeld(row: Row, run: Run): boolean {
  return row.state === 'running' && row.epoch === run.epoch;
}
