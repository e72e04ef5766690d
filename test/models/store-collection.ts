import type { Step } from './explore.ts';
import { StoreActor } from './store-actor.ts';
import { type Content, contents, isHeld, type Pack, type State, withAll, withPack, withTables } from './store-state.ts';

/** A collection, each of its transactions at any time: src/volumes/collect-garbage.ts, loose-nodes.ts. */
export class Collector extends StoreActor {
  *collection(state: State): Iterable<Step<State>> {
    const { tables, blobs, writing } = state;
    const { volumes, references, needs, packs, pins } = tables;
    const held = volumes.filter((volume) => references.some(([, each]) => each === volume));
    if (held.length < volumes.length) {
      const gone = volumes.filter((volume) => !held.includes(volume));
      const loose = this.has('deletionLoosens') ? withAll(tables.loose, gone) : tables.loose;
      yield {
        name: 'volumes without a reference go (deleteUnreferencedVolumes)',
        next: withTables(state, { volumes: held, loose }),
      };
    }
    for (const node of tables.loose) {
      yield { name: `loose node ${node} goes, unless it is held (dropLooseNodes)`, next: this.dropLoose(state, node) };
    }
    for (const { id, state: found } of packs) {
      if (found === 'live') {
        if (this.has('collectAsksForNeeds') && needs.some(([, pack]) => pack === id)) continue;
        if (this.has('collectAsksForPins') && pins.some(([, pack]) => pack === id)) continue;
        const condemned = withPack(tables, id, { state: 'condemned' });
        const index = this.has('condemnLeavesIndex') ? tables.index.filter(({ pack }) => pack !== id) : tables.index;
        yield { name: `pack ${id} is condemned (condemnPacks)`, next: { ...state, tables: { ...condemned, index } } };
      } else if (found === 'writing' && !writing.includes(id)) {
        yield {
          name: `a collection finds pack ${id} being written (condemnAbandonedPacks)`,
          next: { ...state, writing: [...writing, id].sort() },
        };
      } else if (found === 'condemned') yield* this.deletion(state, id);
    }
    for (const id of writing) yield* this.abandoned(state, id);
    if (!this.has('orphansAreSwept')) return;
    for (const { id } of blobs) {
      if (packs.some((pack) => pack.id === id)) continue;
      const row: Pack = { id, state: 'condemned', operation: -1, epoch: 0, wasSealed: true };
      yield {
        name: `pack ${id} has no row and is condemned (sweepOrphanBlobs)`,
        next: withTables(state, { packs: withAll(packs, [row]) }),
      };
    }
  }

  dropLoose(state: State, node: Content): State {
    const { tables } = state;
    const rest = tables.loose.filter((each) => each !== node);
    const isAbove = (upper: Content): boolean => contents[upper].over === node;
    const isOfCheckpoint = tables.operations.some((_, operation) => this.segmentOf(tables, operation) === node);
    const isHeld =
      tables.volumes.includes(node) ||
      (tables.edges.some(isAbove) && this.has('nodesBelowStay')) ||
      (isOfCheckpoint && this.has('nodesOfCheckpointsStay'));
    if (isHeld) return withTables(state, { loose: rest });
    const { over } = contents[node];
    const below = over !== undefined && tables.edges.includes(node) && this.has('dropLoosensBelow') ? [over] : [];
    return withTables(state, {
      needs: tables.needs.filter(([needing]) => needing !== node),
      edges: tables.edges.filter((each) => each !== node),
      loose: withAll(rest, below),
    });
  }

  /** The rest of condemnAbandonedPacks. A lease that is lost stays so: nothing comes between the question and the change. */
  *abandoned(state: State, id: number): Iterable<Step<State>> {
    const { tables } = state;
    const pack = tables.packs.find((each) => each.id === id);
    const next = { ...state, writing: state.writing.filter((each) => each !== id) };
    const isHeldStill = this.has('abandonedAsksForLease') && pack !== undefined && isHeld(tables, pack);
    if (pack === undefined || isHeldStill || (pack.state !== 'writing' && this.has('abandonedAsksForState'))) {
      yield { name: `a collection leaves pack ${id} alone`, next };
    } else {
      yield {
        name: `pack ${id}, whose writer is gone, is condemned`,
        next: { ...next, tables: withPack(tables, id, { state: 'condemned' }) },
      };
    }
  }

  /** deleteCondemnedPacks: the blob, then the row. */
  *deletion(state: State, id: number): Iterable<Step<State>> {
    const { tables, blobs, backup } = state;
    const pack = tables.packs.find((each) => each.id === id);
    const wasGone = backup?.packs.some((each) => each.id === id && each.state === 'condemned') === true;
    const waits = backup !== undefined && pack?.wasSealed === true && !wasGone;
    if (waits && this.has('deletionIsDelayed')) return;
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
}
