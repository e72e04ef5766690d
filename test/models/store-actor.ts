import type { Step } from './explore.ts';
import { type Fault, faults, type Guard, type StoreSize } from './store-guards.ts';
import {
  type Content,
  contents,
  type Entry,
  isHeld,
  type Pack,
  type Place,
  placeOf,
  type Run,
  type State,
  type Tables,
  withAll,
  withOperation,
  withPack,
  withTables,
} from './store-state.ts';

/** What all who work on the store have in common. Each method that changes something returns what is the case then. */
export class StoreActor {
  readonly size: StoreSize;
  readonly has: (guard: Guard) => boolean;

  constructor(size: StoreSize, has: (guard: Guard) => boolean) {
    this.size = size;
    this.has = has;
  }

  *fault(fault: Fault, name: string, next: State): Iterable<Step<State>> {
    const { only = faults } = this.size;
    if (next.faultsLeft === 0 || !only.includes(fault)) return;
    yield { name, next: { ...next, faultsLeft: next.faultsLeft - 1 }, isFault: true };
  }

  end(state: State, run: Run): State {
    return { ...state, runs: state.runs.filter((other) => other !== run) };
  }

  go(state: State, run: Run, change: Partial<Run>): State {
    return { ...state, runs: state.runs.map((other) => (other === run ? { ...run, ...change } : other)) };
  }

  isHeld(state: State, run: Run): boolean {
    return !this.has('workChecksLease') || isHeld(state.tables, run);
  }

  /** LeaseLost: a pack that was sealed and did not count is deleted at once. */
  lost(state: State, run: Run): State {
    return this.end({ ...state, blobs: state.blobs.filter(({ id }) => id !== run.pack) }, run);
  }

  /** The kind's `abandon`, in the transaction that ends the operation. */
  abandon(state: State, operation: number, as: 'ended' | 'pending'): State {
    if (as === 'pending') return { ...state, tables: withOperation(state.tables, operation, { state: as }) };
    return {
      ...state,
      tables: this.release(this.loosen(withOperation(state.tables, operation, { state: as }), operation), operation),
    };
  }

  /** What becomes of pins and checkpoints when an operation ends. */
  release(tables: Tables, operation: number): Tables {
    const pins = this.has('endUnpins') ? tables.pins.filter(([by]) => by !== operation) : tables.pins;
    return withOperation({ ...tables, pins }, operation, { durable: 0 });
  }

  /** loosenSegments: what an operation has in its checkpoint may soon be held by nothing. */
  loosen(tables: Tables, operation: number): Tables {
    const node = this.segmentOf(tables, operation);
    return node === undefined || !this.has('endLoosens') ? tables : { ...tables, loose: withAll(tables.loose, [node]) };
  }

  /** The node of an operation's segment, once that is complete. */
  segmentOf({ operations }: Tables, operation: number): Content | undefined {
    const content = this.size.operations[operation];
    if (content === undefined || content === 'compaction') return undefined;
    return operations[operation]?.durable === contents[content].batches.length ? content : undefined;
  }

  /** What the batch stores. */
  fresh({ batch, known }: Run, content: Content): Entry[] {
    return (contents[content].batches[batch] ?? []).filter((entry) => !known.includes(entry));
  }

  insertWritingPack(state: State, run: Run, change: Partial<Run>): State {
    const id = state.nextPack;
    const { operation, epoch } = run;
    const row: Pack = { id, state: 'writing', operation, epoch, wasSealed: false };
    const pins = this.has('writerPins') ? withAll(state.tables.pins, [[operation, id] as const]) : state.tables.pins;
    const opened = withTables(state, { packs: [...state.tables.packs, row], pins });
    return this.go({ ...opened, nextPack: id + 1 }, run, { ...change, pack: id });
  }

  /** markPackLive and insertChunks: what the index has already stays, unless it is in quarantine. */
  markLive(tables: Tables, pack: number, entries: readonly Entry[]): Tables {
    const isWriting = tables.packs.some(({ id, state }) => id === pack && state === 'writing');
    const marked = isWriting ? withPack(tables, pack, { state: 'live' }) : tables;
    const isTaken = (entry: Entry): boolean => {
      const place = placeOf(tables, entry);
      return place !== undefined && !place.isQuarantined && this.has('firstWins');
    };
    const added = entries
      .filter((entry) => !isTaken(entry))
      .map((entry): Place => ({ entry, pack, isQuarantined: false, times: 0 }));
    const kept = tables.index.filter(({ entry }) => !added.some((place) => place.entry === entry));
    return { ...marked, index: withAll(kept, added) };
  }
}
