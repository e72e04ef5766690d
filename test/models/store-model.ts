import type { Model, Step } from './explore.ts';
import {
  type Content,
  contents,
  type Entry,
  entriesOf,
  findPlaces,
  isHeld,
  isLive,
  type Pack,
  type Place,
  placeOf,
  type Run,
  reachedNodes,
  type State,
  type Tables,
  withAll,
  withOperation,
  withPack,
  withTables,
} from './store-state.ts';

/**
 * The content store (src/volumes/): imports, compactions, deletions and collections at once, with quarantine, healing,
 * takeovers, kills, and a backup of the metadata that is restored later. Every transaction is one step, and so is every
 * change of a blob; between any two of them any other may come, of any process.
 *
 * A collection has no order here: each of its transactions may come at any time, which is more than any collector does.
 */

export const guards = {
  pinLooksAgain: 'volume-writer.ts #pin: looks again in the transaction that pins',
  workChecksLease: 'every transaction of the work: leases.assertHeld',
  writerPins: 'pack-rows.ts insertWritingPack: pinned by its writer',
  commitPinsWinners: 'volume-writer.ts #commitPack: pins the packs of winners',
  needsFromWinners: 'volume-writer.ts #commitSegment: needs are read from the index',
  firstWins: 'chunk-rows.ts insertChunks: an earlier copy stays',
  healCopiesNeeds: 'volume-writer.ts #commitPack: copySegmentPacks of what is healed',
  healCopiesPins: 'volume-writer.ts #commitPack: copyPins of what is healed',
  sealAsksForDamage: 'seal.ts commitVolume: findQuarantinedPins',
  damageDropsCheckpoint: 'quarantine.ts dropQuarantinedSegments: the segment is written again',
  keptAsksForBase: 'kept-segments.ts assertKept: the volume is there',
  keptAsksForDamage: 'kept-segments.ts assertKept: nothing is damaged',
  endUnpins: 'seal.ts releaseVolumeWriter: unpinPacks',
  collectAsksForPins: 'collect-garbage.ts condemnPacks: no pins',
  collectAsksForNeeds: 'collect-garbage.ts condemnPacks: no needs',
  condemnLeavesIndex: 'collect-garbage.ts condemnPacks: deleteChunksOfPack in the same transaction',
  nodesOfCheckpointsStay: 'loose-nodes.ts findUnheld: not those of import_segments',
  nodesBelowStay: 'loose-nodes.ts findUnheld: not those with a node above',
  deletionLoosens: 'collect-garbage.ts deleteUnreferencedVolumes: loosenNodes',
  endLoosens: 'import-segment-rows.ts dropAllSegmentCheckpoints: loosenSegments',
  dropLoosensBelow: 'loose-nodes.ts drop: loosenNodes of what is below',
  abandonedAsksForState: "collect-garbage.ts condemnAbandonedPacks: state = 'writing' once more",
  abandonedAsksForLease: 'collect-garbage.ts condemnAbandonedPacks: leases.isHeld',
  orphansAreSwept: 'collect-garbage.ts sweepOrphanBlobs',
  moveAsksForPins: 'compact-group.ts isAsItWas: no pins',
  moveAsksForNodes: 'compact-group.ts isAsItWas: no other nodes',
  moveCopiesNeeds: 'compact-group.ts commitMove: copySegmentPacks',
  deletionIsDelayed: 'collect-garbage.ts deleteCondemnedPacks: what was sealed waits longer than a backup is kept',
  restoreForgetsLost: 'forget-lost-packs.ts: at a start, what was never sealed and is gone',
} as const;

export type Guard = keyof typeof guards;

/**
 * What may go wrong, or be asked for in the middle of everything: a worker is killed; it is taken over though it lives;
 * an import is cancelled; an image is deleted; a copy is found damaged; a backup is made, and restored.
 */
export const faults = ['kill', 'takeover', 'cancel', 'delete', 'damage', 'backup', 'restore'] as const;
export type Fault = (typeof faults)[number];

export interface StoreSize {
  /** What is done: an import of a content, or a compaction. */
  readonly operations: readonly (Content | 'compaction')[];
  /** How many things may go wrong, */
  readonly faults: number;
  /** and which; all by default. */
  readonly only?: readonly Fault[];
}

/** An image that is READY from the beginning, whose content `x` is in pack 1. */
const oldImage = 'old image';

export function createStoreModel(size: StoreSize, without?: Guard): Model<State> {
  const actors = new Actors(size, (guard) => guard !== without);
  const tables: Tables = {
    operations: size.operations.map(() => ({ state: 'pending', epoch: 0, durable: 0 })),
    packs: [{ id: 1, state: 'live', operation: -1, epoch: 0, wasSealed: true }],
    index: entriesOf('x').map((entry) => ({ entry, pack: 1, isQuarantined: false })),
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

class Actors {
  readonly #size: StoreSize;
  readonly #has: (guard: Guard) => boolean;

  constructor(size: StoreSize, has: (guard: Guard) => boolean) {
    this.#size = size;
    this.#has = has;
  }

  *steps(state: State): Generator<Step<State>> {
    yield* this.#claims(state);
    for (const run of state.runs) {
      const kind = this.#size.operations[run.operation] ?? 'compaction';
      const who = `${kind === 'compaction' ? kind : `import of ${kind}`} (operation ${run.operation}, epoch ${run.epoch})`;
      yield* kind === 'compaction' ? this.#compaction(state, run, who) : this.#import(state, run, who, kind);
      yield* this.#fault('kill', `${who} is killed`, this.#end(state, run));
    }
    yield* this.#collection(state);
    yield* this.#users(state);
    yield* this.#backups(state);
  }

  *#fault(fault: Fault, name: string, next: State): Iterable<Step<State>> {
    const { only = faults } = this.#size;
    if (next.faultsLeft === 0 || !only.includes(fault)) return;
    yield { name, next: { ...next, faultsLeft: next.faultsLeft - 1 }, isFault: true };
  }

  // --- operations: operations-model.ts has their whole protocol ----------------------------------------------------

  *#claims(state: State): Iterable<Step<State>> {
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
      if (row.state === 'running' && isAlive) yield* this.#fault('takeover', `${name} (early)`, next);
      else yield { name, next };
      yield* this.#fault('cancel', `operation ${operation} is cancelled`, this.#abandon(state, operation, 'ended'));
    }
  }

  /** The kind's `abandon`, in the transaction that ends the operation. */
  #abandon(state: State, operation: number, as: 'ended' | 'pending'): State {
    if (as === 'pending') return { ...state, tables: withOperation(state.tables, operation, { state: as }) };
    return {
      ...state,
      tables: this.#release(this.#loosen(withOperation(state.tables, operation, { state: as }), operation), operation),
    };
  }

  /** loosenSegments: what an operation has in its checkpoint may soon be held by nothing. */
  #loosen(tables: Tables, operation: number): Tables {
    const node = this.#segmentOf(tables, operation);
    return node === undefined || !this.#has('endLoosens')
      ? tables
      : { ...tables, loose: withAll(tables.loose, [node]) };
  }

  /** The node of an operation's segment, once that is complete. */
  #segmentOf({ operations }: Tables, operation: number): Content | undefined {
    const content = this.#size.operations[operation];
    if (content === undefined || content === 'compaction') return undefined;
    return operations[operation]?.durable === contents[content].batches.length ? content : undefined;
  }

  /** What becomes of pins and checkpoints when an operation ends. */
  #release(tables: Tables, operation: number): Tables {
    const pins = this.#has('endUnpins') ? tables.pins.filter(([by]) => by !== operation) : tables.pins;
    return withOperation({ ...tables, pins }, operation, { durable: 0 });
  }

  #end(state: State, run: Run): State {
    return { ...state, runs: state.runs.filter((other) => other !== run) };
  }

  #go(state: State, run: Run, change: Partial<Run>): State {
    return { ...state, runs: state.runs.map((other) => (other === run ? { ...run, ...change } : other)) };
  }

  #isHeld(state: State, run: Run): boolean {
    return !this.#has('workChecksLease') || isHeld(state.tables, run);
  }

  /** LeaseLost: a pack that was sealed and did not count is deleted at once. */
  #lost(state: State, run: Run): State {
    return this.#end({ ...state, blobs: state.blobs.filter(({ id }) => id !== run.pack) }, run);
  }

  // --- an import --------------------------------------------------------------------------------------------------

  *#import(state: State, run: Run, who: string, content: Content): Iterable<Step<State>> {
    const { phase } = run;
    const { tables } = state;
    if (phase === 'look') {
      const places = findPlaces(tables, contents[content].batches[run.batch] ?? []);
      const known = places.filter(({ pack }) => run.pinned.includes(pack)).map(({ entry }) => entry);
      const toPin = places.filter(({ pack }) => !run.pinned.includes(pack));
      yield {
        name: `${who} looks for what is stored (findKnown)`,
        next: this.#go(state, run, { phase: toPin.length > 0 ? 'pin' : 'row', known, toPin }),
      };
      return;
    }
    if (phase === 'bytes') {
      const entries = this.#fresh(run, content);
      const blobs = withAll(state.blobs, [{ id: run.pack, entries }]);
      yield {
        name: `${who} makes pack ${run.pack} durable (PackWriter.seal)`,
        next: this.#go({ ...state, blobs }, run, { phase: 'commit' }),
      };
      return;
    }
    if (!this.#isHeld(state, run)) {
      yield { name: `${who} finds its lease lost`, next: this.#lost(state, run) };
      return;
    }
    if (phase === 'begin')
      yield { name: `${who} begins (dropQuarantinedSegments)`, next: this.#begin(state, run, content) };
    else if (phase === 'pin') yield { name: `${who} looks again and pins (#pin)`, next: this.#pin(state, run) };
    else if (phase === 'row')
      yield {
        name: `${who} opens a pack, if it has anything to store (insertWritingPack)`,
        next: this.#openPack(state, run, content),
      };
    else if (phase === 'commit')
      yield { name: `${who} commits its batch (VolumeWriter.#commit)`, next: this.#commit(state, run, content) };
    else yield { name: `${who} seals (commitVolume)`, next: this.#seal(state, run, content) };
  }

  #begin(state: State, run: Run, content: Content): State {
    const { index, needs } = state.tables;
    const damage = index.filter(({ isQuarantined }) => isQuarantined);
    const isDamaged = (pack: number): boolean => damage.some((place) => place.pack === pack);
    const own = state.tables.pins.filter(([by]) => by === run.operation).map(([, pack]) => pack);
    const bad = own.filter(isDamaged);
    const { durable: before = 0 } = state.tables.operations[run.operation] ?? {};
    const { batches } = contents[content];
    const isComplete = before === batches.length;
    const isBad = isComplete ? needs.some(([node, pack]) => node === content && bad.includes(pack)) : bad.length > 0;
    const durable = isBad && this.#has('damageDropsCheckpoint') ? 0 : before;
    const pins = state.tables.pins.filter(([by, pack]) => by !== run.operation || !bad.includes(pack));
    const loosened = durable < before ? this.#loosen(state.tables, run.operation) : state.tables;
    const tables = withOperation({ ...loosened, pins }, run.operation, { durable });
    // Over a base that is damaged a disk is stored chunk by chunk (KeptSegments.of); here reading it fails.
    if (contents[content].over !== undefined && damage.length > 0)
      return this.#lost(this.#abandon(state, run.operation, 'ended'), run);
    const phase = durable === batches.length ? 'seal' : 'look';
    return this.#go({ ...state, tables }, run, {
      phase,
      batch: durable,
      damage,
      pinned: own.filter((pack) => !bad.includes(pack)),
    });
  }

  #pin(state: State, run: Run): State {
    const { tables } = state;
    const places = this.#has('pinLooksAgain')
      ? findPlaces(
          tables,
          run.toPin.map(({ entry }) => entry),
        )
      : run.toPin;
    const found = places.filter(({ pack }) => isLive(tables, pack));
    const packs = found.map(({ pack }) => pack);
    const pins = withAll(
      tables.pins,
      packs.map((pack) => [run.operation, pack] as const),
    );
    return this.#go(withTables(state, { pins }), run, {
      phase: 'row',
      known: withAll(
        run.known,
        found.map(({ entry }) => entry),
      ),
      toPin: [],
      pinned: withAll(run.pinned, packs),
    });
  }

  #openPack(state: State, run: Run, content: Content): State {
    if (this.#fresh(run, content).length === 0) return this.#go(state, run, { phase: 'commit' });
    return this.#insertWritingPack(state, run, { phase: 'bytes' });
  }

  /** What the batch stores. */
  #fresh({ batch, known }: Run, content: Content): Entry[] {
    return (contents[content].batches[batch] ?? []).filter((entry) => !known.includes(entry));
  }

  #insertWritingPack(state: State, run: Run, change: Partial<Run>): State {
    const id = state.nextPack;
    const { operation, epoch } = run;
    const row: Pack = { id, state: 'writing', operation, epoch, wasSealed: false };
    const pins = this.#has('writerPins') ? withAll(state.tables.pins, [[operation, id] as const]) : state.tables.pins;
    const opened = withTables(state, { packs: [...state.tables.packs, row], pins });
    return this.#go({ ...opened, nextPack: id + 1 }, run, { ...change, pack: id });
  }

  #commit(state: State, run: Run, content: Content): State {
    const fresh = this.#fresh(run, content);
    let tables = state.tables;
    const before = fresh.flatMap((entry) => placeOf(tables, entry) ?? []);
    const healed = before.filter(({ isQuarantined }) => isQuarantined).map(({ pack }) => pack);
    if (run.pack !== 0) tables = this.#markLive(tables, run.pack, fresh);
    if (this.#has('healCopiesNeeds')) {
      const more = tables.needs.filter(([, pack]) => healed.includes(pack)).map(([node]) => [node, run.pack] as const);
      tables = { ...tables, needs: withAll(tables.needs, more) };
    }
    if (this.#has('healCopiesPins')) {
      const more = tables.pins.filter(([, pack]) => healed.includes(pack)).map(([by]) => [by, run.pack] as const);
      tables = { ...tables, pins: withAll(tables.pins, more) };
    }
    const winners = findPlaces(tables, fresh)
      .map(({ pack }) => pack)
      .filter((pack) => pack !== run.pack && isLive(tables, pack));
    if (this.#has('commitPinsWinners'))
      tables = {
        ...tables,
        pins: withAll(
          tables.pins,
          winners.map((pack) => [run.operation, pack] as const),
        ),
      };

    // #commitSegment
    const batch = run.batch + 1;
    tables = withOperation(tables, run.operation, { durable: batch });
    if (batch < contents[content].batches.length) {
      const pinned = withAll(run.pinned, [...winners, ...(run.pack === 0 ? [] : [run.pack])]);
      return this.#go({ ...state, tables }, run, { phase: 'look', batch, pinned, known: [], pack: 0 });
    }
    const entries = entriesOf(content);
    const places = findPlaces(tables, entries);
    if (places.length < entries.length) return this.#missing(state, run, entries);
    const packs = this.#has('needsFromWinners')
      ? places.map(({ pack }) => pack)
      : entries.map((entry) => (fresh.includes(entry) ? run.pack : (placeOf(state.tables, entry)?.pack ?? 0)));
    tables = {
      ...tables,
      needs: withAll(
        tables.needs,
        packs.map((pack) => [content, pack] as const),
      ),
    };
    return this.#go({ ...state, tables }, run, { phase: 'seal', pack: 0 });
  }

  /** markPackLive and insertChunks: what the index has already stays, unless it is in quarantine. */
  #markLive(tables: Tables, pack: number, entries: readonly Entry[]): Tables {
    const isWriting = tables.packs.some(({ id, state }) => id === pack && state === 'writing');
    const marked = isWriting ? withPack(tables, pack, { state: 'live' }) : tables;
    const isTaken = (entry: Entry): boolean => {
      const place = placeOf(tables, entry);
      return place !== undefined && !place.isQuarantined && this.#has('firstWins');
    };
    const added = entries
      .filter((entry) => !isTaken(entry))
      .map((entry): Place => ({ entry, pack, isQuarantined: false }));
    const kept = tables.index.filter(({ entry }) => !added.some((place) => place.entry === entry));
    return { ...marked, index: withAll(kept, added) };
  }

  /** findWinners does not find them all: QuarantinedMeanwhile, and another attempt; or they are lost, which must not be. */
  #missing(state: State, run: Run, entries: readonly Entry[]): State {
    const isDamaged = entries.some((entry) => placeOf(state.tables, entry)?.isQuarantined === true);
    const ended = this.#lost(this.#abandon(state, run.operation, 'pending'), run);
    return isDamaged ? ended : { ...ended, wrong: 'MissingChunks: what was called known is not in the index' };
  }

  #seal(state: State, run: Run, content: Content): State {
    const { tables } = state;
    const { over } = contents[content];
    const again = (): State => this.#lost(this.#abandon(state, run.operation, 'pending'), run);
    const found = tables.index.filter(({ isQuarantined }) => isQuarantined);
    if (over !== undefined) {
      // KeptSegments.assertKept. A base that is gone fails the operation for good.
      if (this.#has('keptAsksForBase') && !tables.volumes.includes(over))
        return this.#lost(this.#abandon(state, run.operation, 'ended'), run);
      if (this.#has('keptAsksForDamage') && found.length > 0) return again();
    }
    const isPinned = (pack: number): boolean =>
      tables.pins.some(([by, pinned]) => by === run.operation && pinned === pack);
    const isNew = (place: Place): boolean =>
      !run.damage.some(({ entry, pack }) => entry === place.entry && pack === place.pack);
    if (this.#has('sealAsksForDamage') && found.some((place) => isPinned(place.pack) && isNew(place))) return again();
    const place = findPlaces(tables, [content])[0];
    if (place === undefined) return this.#missing(state, run, [content]);
    const isDamaged = [...entriesOf(content), ...(over === undefined ? [] : entriesOf(over))].some(
      (entry) => placeOf(tables, entry)?.isQuarantined === true,
    );
    let sealed: Tables = {
      ...tables,
      needs: withAll(tables.needs, [[content, place.pack] as const]),
      volumes: withAll(tables.volumes, [content]),
      edges: over === undefined ? tables.edges : withAll(tables.edges, [content]),
      references: withAll(tables.references, [[`image ${run.operation}`, content] as const]),
      packs: tables.packs.map((pack) => (isPinned(pack.id) ? { ...pack, wasSealed: true } : pack)),
    };
    sealed = this.#release(withOperation(sealed, run.operation, { state: 'done' }), run.operation);
    const next = this.#end({ ...state, tables: sealed }, run);
    return isDamaged ? { ...next, wrong: 'an image is READY over what was found damaged before' } : next;
  }

  // --- a compaction -----------------------------------------------------------------------------------------------

  *#compaction(state: State, run: Run, who: string): Iterable<Step<State>> {
    const { tables, blobs } = state;
    if (run.phase === 'begin') {
      for (const { id } of tables.packs) {
        const isBusy =
          tables.pins.some(([, pack]) => pack === id) ||
          tables.index.some(({ pack, isQuarantined }) => pack === id && isQuarantined);
        if (!isLive(tables, id) || isBusy) continue;
        const nodes = tables.needs.filter(([, pack]) => pack === id).map(([node]) => node);
        const named = new Set(nodes.flatMap((node) => entriesOf(node)));
        const known = tables.index
          .filter(({ entry, pack }) => pack === id && named.has(entry))
          .map(({ entry }) => entry);
        yield {
          name: `${who} looks at pack ${id} (findPackUses)`,
          next: this.#go(state, run, { phase: 'row', source: id, nodes, known }),
        };
      }
      const next = this.#end({ ...state, tables: withOperation(tables, run.operation, { state: 'done' }) }, run);
      if (isHeld(tables, run)) yield { name: `${who} finds nothing to do`, next };
    } else if (run.phase === 'bytes') {
      const source = blobs.find(({ id }) => id === run.source);
      // A source that can't be read any more is left alone; the new pack is empty and counts for nothing.
      const entries = run.known.filter((entry) => source?.entries.includes(entry));
      const isWhole = entries.length === run.known.length;
      const written = { ...state, blobs: withAll(blobs, [{ id: run.pack, entries }]) };
      yield {
        name: `${who} copies to pack ${run.pack} (copyEntries)`,
        next: this.#go(written, run, { phase: 'commit', source: isWhole ? run.source : 0 }),
      };
    } else if (!this.#isHeld(state, run)) yield { name: `${who} finds its lease lost`, next: this.#lost(state, run) };
    else if (run.phase === 'row')
      yield {
        name: `${who} opens a pack (insertWritingPack)`,
        next: this.#insertWritingPack(state, run, { phase: 'bytes' }),
      };
    else yield { name: `${who} moves what is needed of pack ${run.source} (commitMove)`, next: this.#move(state, run) };
  }

  /** commitMove; the end of the operation comes with it. */
  #move(state: State, run: Run): State {
    const { source, pack } = run;
    let tables = state.tables;
    const isPinned = this.#has('moveAsksForPins') && tables.pins.some(([, pinned]) => pinned === source);
    const isDamaged = tables.index.some((place) => place.pack === source && place.isQuarantined);
    const isMore =
      this.#has('moveAsksForNodes') &&
      tables.needs.some(([node, needed]) => needed === source && !run.nodes.includes(node));
    const isMoved = isLive(tables, source) && !isPinned && !isDamaged && !isMore;
    const wasSealed = isMoved && tables.packs.some(({ id, wasSealed }) => id === source && wasSealed);
    tables = withPack(tables, pack, { state: 'live', wasSealed });
    tables = { ...tables, pins: tables.pins.filter(([, pinned]) => pinned !== pack) };
    if (isMoved) {
      tables = { ...tables, index: tables.index.filter((place) => place.pack !== source) };
      const more = tables.needs.filter(([, needed]) => needed === source).map(([node]) => [node, pack] as const);
      const needs = this.#has('moveCopiesNeeds') ? withAll(tables.needs, more) : tables.needs;
      tables = withPack({ ...tables, needs: needs.filter(([, needed]) => needed !== source) }, source, {
        state: 'condemned',
      });
      tables = this.#markLive(tables, pack, run.known);
    }
    tables = withOperation(tables, run.operation, { state: 'done' });
    return this.#end({ ...state, tables }, run);
  }

  // --- a collection -----------------------------------------------------------------------------------------------

  *#collection(state: State): Iterable<Step<State>> {
    const { tables, blobs, writing } = state;
    const { volumes, references, needs, packs, pins } = tables;
    const held = volumes.filter((volume) => references.some(([, each]) => each === volume));
    if (held.length < volumes.length) {
      const gone = volumes.filter((volume) => !held.includes(volume));
      const loose = this.#has('deletionLoosens') ? withAll(tables.loose, gone) : tables.loose;
      yield {
        name: 'volumes without a reference go (deleteUnreferencedVolumes)',
        next: withTables(state, { volumes: held, loose }),
      };
    }
    for (const node of tables.loose) {
      yield { name: `loose node ${node} goes, unless it is held (dropLooseNodes)`, next: this.#dropLoose(state, node) };
    }
    for (const { id, state: found } of packs) {
      if (found === 'live') {
        if (this.#has('collectAsksForNeeds') && needs.some(([, pack]) => pack === id)) continue;
        if (this.#has('collectAsksForPins') && pins.some(([, pack]) => pack === id)) continue;
        const condemned = withPack(tables, id, { state: 'condemned' });
        const index = this.#has('condemnLeavesIndex') ? tables.index.filter(({ pack }) => pack !== id) : tables.index;
        yield { name: `pack ${id} is condemned (condemnPacks)`, next: { ...state, tables: { ...condemned, index } } };
      } else if (found === 'writing' && !writing.includes(id)) {
        yield {
          name: `a collection finds pack ${id} being written (condemnAbandonedPacks)`,
          next: { ...state, writing: [...writing, id].sort() },
        };
      } else if (found === 'condemned') yield* this.#deletion(state, id);
    }
    for (const id of writing) yield* this.#abandoned(state, id);
    if (!this.#has('orphansAreSwept')) return;
    for (const { id } of blobs) {
      if (packs.some((pack) => pack.id === id)) continue;
      const row: Pack = { id, state: 'condemned', operation: -1, epoch: 0, wasSealed: true };
      yield {
        name: `pack ${id} has no row and is condemned (sweepOrphanBlobs)`,
        next: withTables(state, { packs: withAll(packs, [row]) }),
      };
    }
  }

  #dropLoose(state: State, node: Content): State {
    const { tables } = state;
    const rest = tables.loose.filter((each) => each !== node);
    const isAbove = (upper: Content): boolean => contents[upper].over === node;
    const isOfCheckpoint = tables.operations.some((_, operation) => this.#segmentOf(tables, operation) === node);
    const isHeld =
      tables.volumes.includes(node) ||
      (tables.edges.some(isAbove) && this.#has('nodesBelowStay')) ||
      (isOfCheckpoint && this.#has('nodesOfCheckpointsStay'));
    if (isHeld) return withTables(state, { loose: rest });
    const { over } = contents[node];
    const below = over !== undefined && tables.edges.includes(node) && this.#has('dropLoosensBelow') ? [over] : [];
    return withTables(state, {
      needs: tables.needs.filter(([needing]) => needing !== node),
      edges: tables.edges.filter((each) => each !== node),
      loose: withAll(rest, below),
    });
  }

  /** The rest of condemnAbandonedPacks. A lease that is lost stays so: nothing comes between the question and the change. */
  *#abandoned(state: State, id: number): Iterable<Step<State>> {
    const { tables } = state;
    const pack = tables.packs.find((each) => each.id === id);
    const next = { ...state, writing: state.writing.filter((each) => each !== id) };
    const isHeldStill = this.#has('abandonedAsksForLease') && pack !== undefined && isHeld(tables, pack);
    if (pack === undefined || isHeldStill || (pack.state !== 'writing' && this.#has('abandonedAsksForState'))) {
      yield { name: `a collection leaves pack ${id} alone`, next };
    } else {
      yield {
        name: `pack ${id}, whose writer is gone, is condemned`,
        next: { ...next, tables: withPack(tables, id, { state: 'condemned' }) },
      };
    }
  }

  /** deleteCondemnedPacks: the blob, then the row. */
  *#deletion(state: State, id: number): Iterable<Step<State>> {
    const { tables, blobs, backup } = state;
    const pack = tables.packs.find((each) => each.id === id);
    const wasGone = backup?.packs.some((each) => each.id === id && each.state === 'condemned') === true;
    const waits = backup !== undefined && pack?.wasSealed === true && !wasGone;
    if (waits && this.#has('deletionIsDelayed')) return;
    if (blobs.some((blob) => blob.id === id)) {
      yield {
        name: `the blob of pack ${id} is deleted (deletePack)`,
        next: { ...state, blobs: blobs.filter((blob) => blob.id !== id) },
      };
    } else {
      const next = withTables(state, {
        packs: tables.packs.filter((each) => each.id !== id),
        pins: tables.pins.filter(([, each]) => each !== id),
      });
      yield { name: `the row of pack ${id} is deleted (deletePack)`, next };
    }
  }

  // --- users, damage, backups -------------------------------------------------------------------------------------

  *#users(state: State): Iterable<Step<State>> {
    const { tables } = state;
    for (const [holder] of tables.references) {
      const references = tables.references.filter(([each]) => each !== holder);
      yield* this.#fault('delete', `${holder} is deleted (removeVolumeReference)`, withTables(state, { references }));
    }
    for (const place of tables.index) {
      if (place.isQuarantined) continue;
      const index = tables.index.map((each) => (each === place ? { ...each, isQuarantined: true } : each));
      yield* this.#fault(
        'damage',
        `${place.entry} is found damaged in pack ${place.pack} (quarantine)`,
        withTables(state, { index }),
      );
    }
  }

  *#backups(state: State): Iterable<Step<State>> {
    const { backup, tables, blobs } = state;
    if (backup === undefined) {
      yield* this.#fault('backup', 'the metadata is backed up', { ...state, backup: tables });
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
    const restored = lost.reduce((found, { id }) => this.#forgetLost(found, id), backup);
    const next = {
      ...state,
      tables: this.#has('restoreForgetsLost') ? restored : backup,
      runs: [],
      writing: [],
      backup: undefined,
    };
    yield* this.#fault(
      'restore',
      'every process dies, the backup is restored, and the service starts (forgetLostPacks)',
      next,
    );
  }

  /** forgetLostPacks: in one transaction, everything that names the pack goes, and who pinned it begins again. */
  #forgetLost(tables: Tables, id: number): Tables {
    const holders = tables.pins.filter(([, pack]) => pack === id).map(([by]) => by);
    const loosened = holders.reduce((found, by) => this.#loosen(found, by), tables);
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
