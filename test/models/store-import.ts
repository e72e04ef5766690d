import type { Step } from './explore.ts';
import { StoreActor } from './store-actor.ts';
import {
  type Content,
  contents,
  type Entry,
  entriesOf,
  findPlaces,
  isLive,
  type Place,
  placeOf,
  type Run,
  type State,
  type Tables,
  withAll,
  withOperation,
  withTables,
} from './store-state.ts';

/** An import, from its claim to its seal: src/volumes/write-volume.ts. */
export class Importer extends StoreActor {
  *import(state: State, run: Run, who: string, content: Content): Iterable<Step<State>> {
    const { phase } = run;
    const { tables } = state;
    if (phase === 'look') {
      const places = findPlaces(tables, contents[content].batches[run.batch] ?? []);
      const known = places.filter(({ pack }) => run.pinned.includes(pack)).map(({ entry }) => entry);
      const toPin = places.filter(({ pack }) => !run.pinned.includes(pack));
      yield {
        name: `${who} looks for what is stored (findKnown)`,
        next: this.go(state, run, { phase: toPin.length > 0 ? 'pin' : 'row', known, toPin }),
      };
      return;
    }
    if (phase === 'bytes') {
      const entries = this.fresh(run, content);
      const blobs = withAll(state.blobs, [{ id: run.pack, entries }]);
      yield {
        name: `${who} makes pack ${run.pack} durable (PackWriter.seal)`,
        next: this.go({ ...state, blobs }, run, { phase: 'commit' }),
      };
      return;
    }
    if (!this.isHeld(state, run)) {
      yield { name: `${who} finds its lease lost`, next: this.lost(state, run) };
      return;
    }
    if (phase === 'begin')
      yield { name: `${who} begins (dropQuarantinedSegments)`, next: this.begin(state, run, content) };
    else if (phase === 'pin') yield { name: `${who} looks again and pins (#pin)`, next: this.pin(state, run) };
    else if (phase === 'row')
      yield {
        name: `${who} opens a pack, if it has anything to store (insertWritingPack)`,
        next: this.openPack(state, run, content),
      };
    else if (phase === 'commit')
      yield { name: `${who} commits its batch (VolumeWriter.#commit)`, next: this.commit(state, run, content) };
    else yield { name: `${who} seals (commitVolume)`, next: this.seal(state, run, content) };
  }

  begin(state: State, run: Run, content: Content): State {
    const { index, needs } = state.tables;
    const damage = index.filter(({ isQuarantined }) => isQuarantined);
    const isDamaged = (pack: number): boolean => damage.some((place) => place.pack === pack);
    const own = state.tables.pins.filter(([by]) => by === run.operation).map(([, pack]) => pack);
    const bad = own.filter(isDamaged);
    const { durable: before = 0 } = state.tables.operations[run.operation] ?? {};
    const { batches } = contents[content];
    const isComplete = before === batches.length;
    const isBad = isComplete ? needs.some(([node, pack]) => node === content && bad.includes(pack)) : bad.length > 0;
    const durable = isBad && this.has('damageDropsCheckpoint') ? 0 : before;
    const pins = state.tables.pins.filter(([by, pack]) => by !== run.operation || !bad.includes(pack));
    const loosened = durable < before ? this.loosen(state.tables, run.operation) : state.tables;
    const tables = withOperation({ ...loosened, pins }, run.operation, { durable });
    // Over a base that is damaged a disk is stored chunk by chunk (KeptSegments.of); here reading it fails.
    if (contents[content].over !== undefined && damage.length > 0)
      return this.lost(this.abandon(state, run.operation, 'ended'), run);
    const phase = durable === batches.length ? 'seal' : 'look';
    return this.go({ ...state, tables }, run, {
      phase,
      batch: durable,
      damage,
      pinned: own.filter((pack) => !bad.includes(pack)),
    });
  }

  pin(state: State, run: Run): State {
    const { tables } = state;
    const places = this.has('pinLooksAgain')
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
    return this.go(withTables(state, { pins }), run, {
      phase: 'row',
      known: withAll(
        run.known,
        found.map(({ entry }) => entry),
      ),
      toPin: [],
      pinned: withAll(run.pinned, packs),
    });
  }

  openPack(state: State, run: Run, content: Content): State {
    if (this.fresh(run, content).length === 0) return this.go(state, run, { phase: 'commit' });
    return this.insertWritingPack(state, run, { phase: 'bytes' });
  }

  commit(state: State, run: Run, content: Content): State {
    const fresh = this.fresh(run, content);
    let tables = state.tables;
    const before = fresh.flatMap((entry) => placeOf(tables, entry) ?? []);
    const healed = before.filter(({ isQuarantined }) => isQuarantined).map(({ pack }) => pack);
    if (run.pack !== 0) tables = this.markLive(tables, run.pack, fresh);
    if (this.has('healCopiesNeeds')) {
      const more = tables.needs.filter(([, pack]) => healed.includes(pack)).map(([node]) => [node, run.pack] as const);
      tables = { ...tables, needs: withAll(tables.needs, more) };
    }
    if (this.has('healCopiesPins')) {
      const more = tables.pins.filter(([, pack]) => healed.includes(pack)).map(([by]) => [by, run.pack] as const);
      tables = { ...tables, pins: withAll(tables.pins, more) };
    }
    const winners = findPlaces(tables, fresh)
      .map(({ pack }) => pack)
      .filter((pack) => pack !== run.pack && isLive(tables, pack));
    if (this.has('commitPinsWinners'))
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
      return this.go({ ...state, tables }, run, { phase: 'look', batch, pinned, known: [], pack: 0 });
    }
    const entries = entriesOf(content);
    const places = findPlaces(tables, entries);
    if (places.length < entries.length) return this.missing(state, run, entries);
    const packs = this.has('needsFromWinners')
      ? places.map(({ pack }) => pack)
      : entries.map((entry) => (fresh.includes(entry) ? run.pack : (placeOf(state.tables, entry)?.pack ?? 0)));
    tables = {
      ...tables,
      needs: withAll(
        tables.needs,
        packs.map((pack) => [content, pack] as const),
      ),
    };
    return this.go({ ...state, tables }, run, { phase: 'seal', pack: 0 });
  }

  /** findWinners does not find them all: QuarantinedMeanwhile, and another attempt; or they are lost, which must not be. */
  missing(state: State, run: Run, entries: readonly Entry[]): State {
    const isDamaged = entries.some((entry) => placeOf(state.tables, entry)?.isQuarantined === true);
    const ended = this.lost(this.abandon(state, run.operation, 'pending'), run);
    return isDamaged ? ended : { ...ended, wrong: 'MissingChunks: what was called known is not in the index' };
  }

  seal(state: State, run: Run, content: Content): State {
    const { tables } = state;
    const { over } = contents[content];
    const again = (): State => this.lost(this.abandon(state, run.operation, 'pending'), run);
    const found = tables.index.filter(({ isQuarantined }) => isQuarantined);
    if (over !== undefined) {
      // KeptSegments.assertKept. A base that is gone fails the operation for good.
      if (this.has('keptAsksForBase') && !tables.volumes.includes(over))
        return this.lost(this.abandon(state, run.operation, 'ended'), run);
      if (this.has('keptAsksForDamage') && found.length > 0) return again();
    }
    const isPinned = (pack: number): boolean =>
      tables.pins.some(([by, pinned]) => by === run.operation && pinned === pack);
    const isNew = (place: Place): boolean =>
      !run.damage.some(
        ({ entry, pack, times }) =>
          entry === place.entry && pack === place.pack && (times === place.times || !this.has('damageIsOfItsTime')),
      );
    if (this.has('sealAsksForDamage') && found.some((place) => isPinned(place.pack) && isNew(place))) return again();
    const place = findPlaces(tables, [content])[0];
    if (place === undefined) return this.missing(state, run, [content]);
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
    sealed = this.release(withOperation(sealed, run.operation, { state: 'done' }), run.operation);
    const next = this.end({ ...state, tables: sealed }, run);
    return isDamaged ? { ...next, wrong: 'an image is READY over what was found damaged before' } : next;
  }
}
