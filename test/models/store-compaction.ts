import type { Step } from './explore.ts';
import { StoreActor } from './store-actor.ts';
import { entriesOf, isHeld, isLive, type Run, type State, withAll, withOperation, withPack } from './store-state.ts';

/** A compaction of one pack: src/volumes/compact-group.ts. */
export class Compactor extends StoreActor {
  *compaction(state: State, run: Run, who: string): Iterable<Step<State>> {
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
          next: this.go(state, run, { phase: 'row', source: id, nodes, known }),
        };
      }
      const next = this.end({ ...state, tables: withOperation(tables, run.operation, { state: 'done' }) }, run);
      if (isHeld(tables, run)) yield { name: `${who} finds nothing to do`, next };
    } else if (run.phase === 'bytes') {
      const source = blobs.find(({ id }) => id === run.source);
      // A source that can't be read any more is left alone; the new pack is empty and counts for nothing.
      const entries = run.known.filter((entry) => source?.entries.includes(entry));
      const isWhole = entries.length === run.known.length;
      const written = { ...state, blobs: withAll(blobs, [{ id: run.pack, entries }]) };
      yield {
        name: `${who} copies to pack ${run.pack} (copyEntries)`,
        next: this.go(written, run, { phase: 'commit', source: isWhole ? run.source : 0 }),
      };
    } else if (!this.isHeld(state, run)) yield { name: `${who} finds its lease lost`, next: this.lost(state, run) };
    else if (run.phase === 'row')
      yield {
        name: `${who} opens a pack (insertWritingPack)`,
        next: this.insertWritingPack(state, run, { phase: 'bytes' }),
      };
    else yield { name: `${who} moves what is needed of pack ${run.source} (commitMove)`, next: this.move(state, run) };
  }

  /** commitMove; the end of the operation comes with it. */
  move(state: State, run: Run): State {
    const { source, pack } = run;
    let tables = state.tables;
    const isPinned = this.has('moveAsksForPins') && tables.pins.some(([, pinned]) => pinned === source);
    const isDamaged = tables.index.some((place) => place.pack === source && place.isQuarantined);
    const isMore =
      this.has('moveAsksForNodes') &&
      tables.needs.some(([node, needed]) => needed === source && !run.nodes.includes(node));
    const isMoved = isLive(tables, source) && !isPinned && !isDamaged && !isMore;
    const wasSealed = isMoved && tables.packs.some(({ id, wasSealed }) => id === source && wasSealed);
    tables = withPack(tables, pack, { state: 'live', wasSealed });
    tables = { ...tables, pins: tables.pins.filter(([, pinned]) => pinned !== pack) };
    if (isMoved) {
      tables = { ...tables, index: tables.index.filter((place) => place.pack !== source) };
      const more = tables.needs.filter(([, needed]) => needed === source).map(([node]) => [node, pack] as const);
      const needs = this.has('moveCopiesNeeds') ? withAll(tables.needs, more) : tables.needs;
      tables = withPack({ ...tables, needs: needs.filter(([, needed]) => needed !== source) }, source, {
        state: 'condemned',
      });
      tables = this.markLive(tables, pack, run.known);
    }
    tables = withOperation(tables, run.operation, { state: 'done' });
    return this.end({ ...state, tables }, run);
  }
}
