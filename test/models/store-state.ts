/** What there is in the model of the store (store-model.ts): the tables, the blobs, who works on them. */

/** What may be stored: two chunks, and a node for each content. */
export type Entry = 'a' | 'b' | 'x' | 'y' | 'z';

/** A content is named by its node. A segment's node and the root above it are one here. */
export type Content = 'x' | 'y' | 'z';

/**
 * What each content is made of, batch by batch; the last one completes its segment. `z` is `x` with something new above
 * it, as a snapshot of a disk that hardly changed: its segment is taken over as it is (KeptSegments).
 */
export const contents: Readonly<
  Record<Content, { readonly batches: readonly (readonly Entry[])[]; readonly over?: Content }>
> = {
  x: { batches: [['a', 'x']] },
  y: { batches: [['a'], ['b', 'y']] },
  z: { batches: [['z']], over: 'x' },
};

/** All entries of a content, or those of its first batches. */
export function entriesOf(content: Content, batches?: number): readonly Entry[] {
  return contents[content].batches.slice(0, batches).flat();
}

export interface Pack {
  readonly id: number;
  readonly state: 'writing' | 'live' | 'condemned';
  /** Its writer: an operation and its epoch; found without a row, it has none. */
  readonly operation: number;
  readonly epoch: number;
  readonly wasSealed: boolean;
}

/** Where the index has an entry. */
export interface Place {
  readonly entry: Entry;
  readonly pack: number;
  readonly isQuarantined: boolean;
  /** How often it was found damaged. */
  readonly times: number;
}

export interface Operation {
  /** `ended`: cancelled, or failed; nothing is left of it to do. */
  readonly state: 'pending' | 'running' | 'done' | 'ended';
  readonly epoch: number;
  /** Batches that are durable, by its row of import_segments; with all of them that has the segment's node. */
  readonly durable: number;
}

/** The metadata: what a transaction sees and changes, and what a backup has. Lists are sorted, so that equal ones look equal. */
export interface Tables {
  readonly operations: readonly Operation[];
  readonly packs: readonly Pack[];
  readonly index: readonly Place[];
  /** segment_packs. */
  readonly needs: readonly (readonly [node: Content, pack: number])[];
  readonly pins: readonly (readonly [operation: number, pack: number])[];
  readonly volumes: readonly Content[];
  /** manifest_edges, by the upper node: only that of `z` has one below it, of `x`. */
  readonly edges: readonly Content[];
  /** loose_nodes: they may have lost what held them. */
  readonly loose: readonly Content[];
  /** Who holds which volume: the images that are READY. */
  readonly references: readonly (readonly [holder: string, volume: Content])[];
}

/** A worker in the middle of an import or a compaction: what it remembers between its transactions. */
export interface Run {
  readonly operation: number;
  readonly epoch: number;
  /** By name of the next thing it does: store-model.ts has them in order. */
  readonly phase: 'begin' | 'look' | 'pin' | 'row' | 'bytes' | 'commit' | 'seal';
  /** Which batch it is at. */
  readonly batch: number;
  /** Entries that need not be stored again. */
  readonly known: readonly Entry[];
  readonly toPin: readonly Place[];
  readonly pinned: readonly number[];
  /** What was in quarantine when it began. */
  readonly damage: readonly Place[];
  /** The pack that it writes; 0 for none. */
  readonly pack: number;
  /** A compaction's: the pack that it empties, and who needed it; 0 for none. */
  readonly source: number;
  readonly nodes: readonly Content[];
}

export interface Blob {
  readonly id: number;
  readonly entries: readonly Entry[];
}

export interface State {
  readonly tables: Tables;
  readonly blobs: readonly Blob[];
  readonly runs: readonly Run[];
  /** Packs that a collection found being written, and is about to ask of whether somebody still does. */
  readonly writing: readonly number[];
  readonly backup: Tables | undefined;
  /** Names of packs are never used again. */
  readonly nextPack: number;
  readonly faultsLeft: number;
  readonly wrong: string;
}

export function withTables(state: State, change: Partial<Tables>): State {
  return { ...state, tables: { ...state.tables, ...change } };
}

/** The list with more in it, sorted and without repetitions. */
export function withAll<T>(list: readonly T[], more: readonly T[]): readonly T[] {
  const byText = new Map([...list, ...more].map((one) => [JSON.stringify(one), one]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

export function isHeld(
  { operations }: Tables,
  { operation, epoch }: { readonly operation: number; readonly epoch: number },
): boolean {
  const row = operations[operation];
  return row?.state === 'running' && row.epoch === epoch;
}

export function placeOf({ index }: Tables, entry: Entry): Place | undefined {
  return index.find((place) => place.entry === entry);
}

/** findChunks: quarantined ones count as unknown. */
export function findPlaces(tables: Tables, entries: readonly Entry[]): Place[] {
  return entries.flatMap((entry) => placeOf(tables, entry) ?? []).filter(({ isQuarantined }) => !isQuarantined);
}

export function isLive({ packs }: Tables, id: number): boolean {
  return packs.some((pack) => pack.id === id && pack.state === 'live');
}

/** Nodes that the volumes reach. */
export function reachedNodes({ volumes }: Tables): Set<Content> {
  return new Set(volumes.flatMap((volume) => [volume, contents[volume].over ?? volume]));
}

export function withOperation(tables: Tables, id: number, change: Partial<Operation>): Tables {
  return { ...tables, operations: tables.operations.map((row, at) => (at === id ? { ...row, ...change } : row)) };
}

export function withPack(tables: Tables, id: number, change: Partial<Pack>): Tables {
  return { ...tables, packs: tables.packs.map((pack) => (pack.id === id ? { ...pack, ...change } : pack)) };
}
