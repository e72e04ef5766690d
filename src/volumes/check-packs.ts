import { BlobFailed } from '../blobs/blob-failed.ts';
import { hexOf } from './chunk-id.ts';
import { findEntriesOfPack } from './chunk-rows.ts';
import { type Finding, lookTwice, remedies } from './finding.ts';
import { PackBroken } from './pack-format.ts';
import { entryKey } from './pack-use.ts';
import { readPackIndex } from './read-pack-index.ts';
import type { Store } from './store.ts';

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the collector keeps a condemned pack that a sealed volume once needed; for ever unless it is said. */
  readonly keepDeletedMs?: number | undefined;
  /** One more thing, of so many bytes of the store, was looked at. */
  readonly onChecked?: (bytes: number) => void;
}

/** Holds the rows of packs against their blobs, and what each pack says of itself against the index. */
export async function* checkPacks(store: Store, options: CheckOptions = {}): AsyncIterable<Finding> {
  const { signal, onChecked, keepDeletedMs = Number.POSITIVE_INFINITY } = options;
  let last = '';
  for (;;) {
    const rows = await store.db.read
      .selectFrom('packs')
      .select(['id', 'size'])
      .where('id', '>', last)
      .orderBy('id')
      .limit(100)
      .execute();
    for (const { id, size } of rows) {
      signal?.throwIfAborted();
      yield* await lookTwice(() => checkPack(store, id, keepDeletedMs));
      onChecked?.(size);
      last = id;
    }
    if (rows.length === 0) return;
  }
}

/** Finds blobs that no row names. */
export async function* checkOrphans(store: Store, { signal }: CheckOptions = {}): AsyncIterable<Finding> {
  for await (const { name, sizeBytes } of store.blobs.list()) {
    signal?.throwIfAborted();
    yield* await lookTwice(async () => {
      const row = await store.db.read.selectFrom('packs').select('id').where('id', '=', name).executeTakeFirst();
      if (row !== undefined || (await store.blobs.stat(name)) === undefined) return [];
      return [
        {
          severity: 'warning',
          what: 'pack-orphan',
          id: name,
          fact: `a pack of ${sizeBytes} bytes is in no row: a writer that was taken over left it, or the metadata is older than the packs`,
          remedy: `it is deleted a day after the next start; if images are missing, ${remedies.rebuild} before that`,
        },
      ];
    });
  }
}

async function checkPack(store: Store, packId: string, keepDeletedMs: number): Promise<Finding[]> {
  const row = await store.db.read.selectFrom('packs').selectAll().where('id', '=', packId).executeTakeFirst();
  // What is being written is nobody's yet: its writer, or the next collection, sees to it.
  if (row === undefined || row.state === 'writing') return [];
  const blob = await store.blobs.stat(packId);
  if (row.state === 'condemned') {
    const indexed = await findEntriesOfPack(store.db.read, packId);
    if (indexed.length > 0) {
      const fact = `${indexed.length} rows of the index name a condemned pack`;
      return [{ severity: 'error', what: 'condemned-pack-indexed', id: packId, fact, remedy: remedies.rebuild }];
    }
    // When its time is over the collector deletes the blob, and then the row.
    const isDue = row.was_sealed === 0 || (row.condemned_at ?? 0) + keepDeletedMs <= store.now();
    if (blob !== undefined || isDue) return [];
    const fact = 'a condemned pack is gone before its time: a backup of the metadata that needs it cannot be restored';
    return [{ severity: 'warning', what: 'condemned-pack-missing', id: packId, fact, remedy: remedies.collected }];
  }
  if (blob === undefined) {
    const fact = `the pack of ${row.size} bytes is gone`;
    return [{ severity: 'error', what: 'pack-missing', id: packId, fact, remedy: remedies.restorePack }];
  }
  if (blob.sizeBytes !== row.size) {
    const fact = `the pack has ${blob.sizeBytes} bytes in place of ${row.size}`;
    return [{ severity: 'error', what: 'pack-size', id: packId, fact, remedy: remedies.restorePack }];
  }
  return checkContents(store, packId, row.size, row.domain_id);
}

async function checkContents(store: Store, packId: string, sizeBytes: number, domainId: string): Promise<Finding[]> {
  // The rows first: one that is there before its pack is read must be in it.
  const indexed = await findEntriesOfPack(store.db.read, packId);
  const broken = (fact: string): Finding[] => [
    { severity: 'error', what: 'pack-broken', id: packId, fact, remedy: remedies.restorePack },
  ];
  try {
    const contents = await readPackIndex(store.blobs, packId, sizeBytes);
    if (contents.domainId !== domainId) return broken(`it says it belongs to ${contents.domainId}, not to ${domainId}`);
    const entries = new Map(contents.entries.map((entry) => [entryKey(entry.kind, entry.id), entry]));
    const wrong = indexed.filter((row) => {
      const entry = entries.get(entryKey(row.kind, row.id));
      return (
        entry === undefined ||
        entry.offset !== row.packOffset ||
        entry.encodedLength !== row.encodedLength ||
        entry.plainLength !== row.plainLength ||
        entry.encoding !== row.encoding
      );
    });
    const [first] = wrong;
    if (first === undefined) return [];
    const fact = `${wrong.length} rows of the index are not as the pack says, among them ${hexOf(first.id)}`;
    return [{ severity: 'error', what: 'pack-index', id: packId, fact, remedy: remedies.rebuild }];
  } catch (error) {
    const isBroken = error instanceof PackBroken || (error instanceof BlobFailed && error.failure !== 'unreachable');
    if (isBroken) return broken(error.message);
    throw error;
  }
}
