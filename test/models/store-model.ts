import type { Model, Step } from './explore.ts';
import { StoreActor } from './store-actor.ts';
import { Collector } from './store-collection.ts';
import { Compactor } from './store-compaction.ts';
import type { Guard, StoreSize } from './store-guards.ts';
import { Importer } from './store-import.ts';
import {
  contents,
  entriesOf,
  isLive,
  placeOf,
  type Run,
  reachedNodes,
  type State,
  type Tables,
  withOperation,
  withTables,
} from './store-state.ts';

/**
 * The content store (src/volumes/): imports, compactions, deletions and collections at once, with quarantine, healing,
 * takeovers, kills, and a backup of the metadata that is restored later. Every transaction is one step, and so is every
 * change of a blob; between any two of them any other may come, of any process.
 *
 * A collection has no order here: each of its transactions may come at any time, which is more than any collector does.
 */

/** An image that is READY from the beginning, whose content `x` is in pack 1. */
const oldImage = 'old image';

export function createStoreModel(size: StoreSize, without?: Guard): Model<State> {
  const actors = new Actors(size, (guard) => guard !== without);
  const tables: Tables = {
    operations: size.operations.map(() => ({ state: 'pending', epoch: 0, durable: 0 })),
    packs: [{ id: 1, state: 'live', operation: -1, epoch: 0, wasSealed: true }],
    index: entriesOf('x').map((entry) => ({ entry, pack: 1, isQuarantined: false, times: 0 })),
    needs: [['x', 1]],
    pins: [],
    volumes: ['x'],
    edges: [],
    loose: [],
    references: [[oldImage, 'x']],
  };
  const isOver = ({ tables, runs }: State): boolean =>
    runs.length === 0 && tables.operations.every(({ state }) => state === 'done' || state === 'ended');
  return {
    initial: {
      tables,
      blobs: [{ id: 1, entries: entriesOf('x') }],
      runs: [],
      writing: [],
      backup: undefined,
      nextPack: 2,
      faultsLeft: size.faults,
      wrong: '',
    },
    steps: (state) => actors.steps(state),
    parts: ({ tables, blobs, runs, writing, backup, nextPack, faultsLeft, wrong }) => ({
      inOrder: [...Object.values(tables), blobs, writing, backup ?? null, nextPack, faultsLeft, wrong],
      alike: runs,
    }),
    always: {
      'whatever an image needs is there': isWhole,
      'the index names live packs only': ({ tables }) => tables.index.every(({ pack }) => isLive(tables, pack)),
      'nothing is done that must not be': ({ wrong }) => wrong === '',
    },
    inTheEnd: {
      'what is done ends, and what nobody needs is gone': (state) => isOver(state) && isTidy(state),
    },
    isFinal: isOver,
  };
}

/** Volume, index, needs and bytes of every image; a copy that was found damaged is no more than that. */
function isWhole({ tables, blobs }: State): boolean {
  return tables.references.every(([, volume]) => {
    if (!tables.volumes.includes(volume)) return false;
    const { over } = contents[volume];
    return [volume, ...(over === undefined ? [] : [over])].every((node) =>
      entriesOf(node).every((entry) => {
        const place = placeOf(tables, entry);
        if (place === undefined || !isLive(tables, place.pack)) return false;
        const isNeeded = tables.needs.some(([needing, pack]) => needing === node && pack === place.pack);
        return isNeeded && blobs.some(({ id, entries }) => id === place.pack && entries.includes(entry));
      }),
    );
  });
}

/** Nothing is left that no image needs. */
function isTidy({ tables, blobs }: State): boolean {
  const { volumes, references, needs, packs, pins } = tables;
  const reached = reachedNodes(tables);
  const needed = new Set(needs.map(([, pack]) => pack));
  return (
    pins.length === 0 &&
    volumes.every((volume) => references.some(([, held]) => held === volume)) &&
    needs.every(([node]) => reached.has(node)) &&
    packs.every(({ id, state }) => state === 'live' && needed.has(id)) &&
    blobs.every(({ id }) => needed.has(id))
  );
}

/** Everybody who works on the store, and who comes from outside. */
class Actors extends StoreActor {
  readonly importer: Importer;
  readonly compactor: Compactor;
  readonly collector: Collector;

  constructor(size: StoreSize, has: (guard: Guard) => boolean) {
    super(size, has);
    this.importer = new Importer(size, has);
    this.compactor = new Compactor(size, has);
    this.collector = new Collector(size, has);
  }

  *steps(state: State): Generator<Step<State>> {
    yield* this.claims(state);
    for (const run of state.runs) {
      const kind = this.size.operations[run.operation] ?? 'compaction';
      const who = `${kind === 'compaction' ? kind : `import of ${kind}`} (operation ${run.operation}, epoch ${run.epoch})`;
      yield* kind === 'compaction'
        ? this.compactor.compaction(state, run, who)
        : this.importer.import(state, run, who, kind);
      yield* this.fault('kill', `${who} is killed`, this.end(state, run));
    }
    yield* this.collector.collection(state);
    yield* this.users(state);
    yield* this.backups(state);
  }

  *claims(state: State): Iterable<Step<State>> {
    for (const [operation, row] of state.tables.operations.entries()) {
      if (row.state === 'done' || row.state === 'ended') continue;
      const epoch = row.epoch + 1;
      const tables = withOperation(state.tables, operation, { state: 'running', epoch });
      const run: Run = {
        operation,
        epoch,
        phase: 'begin',
        batch: 0,
        known: [],
        toPin: [],
        pinned: [],
        damage: [],
        pack: 0,
        source: 0,
        nodes: [],
      };
      const next = { ...state, tables, runs: [...state.runs, run] };
      const isAlive = state.runs.some((other) => other.operation === operation && other.epoch === row.epoch);
      const name = `operation ${operation} is claimed under epoch ${epoch}`;
      if (row.state === 'running' && isAlive) yield* this.fault('takeover', `${name} (early)`, next);
      else yield { name, next };
      yield* this.fault('cancel', `operation ${operation} is cancelled`, this.abandon(state, operation, 'ended'));
    }
  }

  *users(state: State): Iterable<Step<State>> {
    const { tables } = state;
    for (const [holder] of tables.references) {
      const references = tables.references.filter(([each]) => each !== holder);
      yield* this.fault('delete', `${holder} is deleted (removeVolumeReference)`, withTables(state, { references }));
    }
    for (const place of tables.index) {
      const { entry, pack, isQuarantined, times } = place;
      const changed = { ...place, isQuarantined: !isQuarantined, times: isQuarantined ? times : times + 1 };
      const next = withTables(state, { index: tables.index.map((each) => (each === place ? changed : each)) });
      if (isQuarantined) yield* this.fault('release', `${entry} reads right in pack ${pack} (scrub)`, next);
      else yield* this.fault('damage', `${entry} is found damaged in pack ${pack} (quarantine)`, next);
    }
  }

  *backups(state: State): Iterable<Step<State>> {
    const { backup, tables, blobs } = state;
    if (backup === undefined) {
      yield* this.fault('backup', 'the metadata is backed up', { ...state, backup: tables });
      return;
    }
    yield {
      name: 'the backup is older than what was deleted is kept, and is thrown away',
      next: { ...state, backup: undefined },
    };
    const isThere = (id: number): boolean => blobs.some((blob) => blob.id === id);
    const lost = backup.packs.filter(
      ({ id, state: found, wasSealed }) => found === 'live' && !wasSealed && !isThere(id),
    );
    const restored = lost.reduce((found, { id }) => this.forgetLost(found, id), backup);
    const next = {
      ...state,
      tables: this.has('restoreForgetsLost') ? restored : backup,
      runs: [],
      writing: [],
      backup: undefined,
    };
    yield* this.fault(
      'restore',
      'every process dies, the backup is restored, and the service starts (forgetLostPacks)',
      next,
    );
  }

  /** forgetLostPacks: in one transaction, everything that names the pack goes, and who pinned it begins again. */
  forgetLost(tables: Tables, id: number): Tables {
    const holders = tables.pins.filter(([, pack]) => pack === id).map(([by]) => by);
    const loosened = holders.reduce((found, by) => this.loosen(found, by), tables);
    return {
      ...loosened,
      operations: tables.operations.map((row, by) => (holders.includes(by) ? { ...row, durable: 0 } : row)),
      packs: tables.packs.filter((pack) => pack.id !== id),
      index: tables.index.filter(({ pack }) => pack !== id),
      needs: tables.needs.filter(([, pack]) => pack !== id),
      pins: tables.pins.filter(([, pack]) => pack !== id),
    };
  }
}
