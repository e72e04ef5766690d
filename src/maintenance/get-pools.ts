import type { Database } from '../db/database.ts';
import { choiceOf, integerOf, type JsonObject, type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import type { NodeMethod } from '../nodes/call-answers.ts';
import type { NodeCalls } from '../nodes/node-calls.ts';
import { listNodeRows } from '../nodes/node-rows.ts';
import type { Pool } from '../pool/pool.ts';
import { type PoolEntryStatus, type PoolStatus, pooledStates } from '../pool/pooled-volume.ts';

/** The pool of one node. */
export interface NodePool extends PoolStatus {
  readonly nodeId: string;
}

export interface PlacedPoolOptions {
  readonly db: Database;
  /** Of this process. */
  readonly nodeId: string;
  /** The pool that is here; undefined for a process that has none. */
  readonly here: Pick<Pool, 'status'> | undefined;
  readonly calls: Pick<NodeCalls, 'ask'>;
}

const statusMethod = 'pool-status';

/** How the pools of all nodes are doing that have one and are there. Throws UNAVAILABLE when one of those does not say. */
export async function getPools({ db, nodeId, here, calls }: PlacedPoolOptions): Promise<readonly NodePool[]> {
  const others = (await listNodeRows(db.read)).filter(
    (node) => node.id !== nodeId && node.isThere && node.roles.includes('block'),
  );
  const own = here === undefined ? [] : [{ nodeId, ...(await here.status()) }];
  const theirs = others.map(async ({ id }) => ({
    nodeId: id,
    ...statusFromJson(await calls.ask(id, statusMethod, {})),
  }));
  return [...own, ...(await Promise.all(theirs))];
}

/** What other nodes ask of the one that has a pool. */
export function answerForPool(here: Pick<Pool, 'status'>): Readonly<Record<string, NodeMethod>> {
  return { [statusMethod]: { answer: async () => statusToJson(await here.status()) } };
}

function statusToJson({ entries, limitBytes, storedBytes }: PoolStatus): JsonObject {
  return {
    limitBytes,
    storedBytes,
    entries: entries.map(({ volume, lastUsedAt, state, problem, ...counts }) => {
      const images = volume.images.map(({ id, name, folderId }) => ({ id, name, folderId }));
      return { ...counts, state, problem, lastUsedAt: lastUsedAt ?? null, volume: { ...volume, images } };
    }),
  };
}

function statusFromJson(value: JsonValue): PoolStatus {
  const json = objectOf(value, 'the status of a pool');
  return {
    limitBytes: integerOf(json, 'limitBytes'),
    storedBytes: integerOf(json, 'storedBytes'),
    entries: listOf(json.entries).map(entryFromJson),
  };
}

function entryFromJson(value: unknown): PoolEntryStatus {
  const entry = objectOf(value, 'an entry of a pool');
  const volume = objectOf(entry.volume, 'a volume of a pool');
  return {
    state: choiceOf(entry.state, pooledStates, 'state'),
    storedBytes: integerOf(entry, 'storedBytes'),
    hits: integerOf(entry, 'hits'),
    misses: integerOf(entry, 'misses'),
    lastUsedAt: entry.lastUsedAt === null ? undefined : integerOf(entry, 'lastUsedAt'),
    problem: stringOf(entry, 'problem'),
    volume: {
      volumeId: stringOf(volume, 'volumeId'),
      contentId: stringOf(volume, 'contentId'),
      sizeBytes: integerOf(volume, 'sizeBytes'),
      createdAt: integerOf(volume, 'createdAt'),
      images: listOf(volume.images).map((one) => {
        const image = objectOf(one, 'an image of a pool');
        return { id: stringOf(image, 'id'), name: stringOf(image, 'name'), folderId: stringOf(image, 'folderId') };
      }),
    },
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
