import type { BlobStore } from '../../blobs/blob-store.ts';
import type { Database } from '../../db/database.ts';
import { findOpenUploads } from '../upload-rows.ts';
import { uploadIdOfPiece } from './piece.ts';
import { deletePieces, findKnownBlobs, listBlobsOf, listGoneOwners } from './piece-rows.ts';

export interface SweepPiecesDeps {
  readonly db: Database;
  readonly blobs: BlobStore;
}

/** Looked up, and deleted, together. */
const blobsAtOnce = 200;
/** Requests to delete that are under way at once: others want to be served, too. */
const deletesAtOnce = 8;

/**
 * Removes the pieces of uploads that are gone, and those whose place others took: the blobs first, as the rows name them.
 * May be repeated, by several processes at once.
 */
export async function sweepPieces(deps: SweepPiecesDeps, signal?: AbortSignal): Promise<void> {
  for (const owner of await listGoneOwners(deps.db.read)) await removePieces(deps, owner, signal);
}

async function removePieces({ db, blobs }: SweepPiecesDeps, owner: string, signal?: AbortSignal): Promise<void> {
  for (;;) {
    const names = await listBlobsOf(db.read, owner, blobsAtOnce);
    if (names.length === 0) return;
    await deleteBlobs(blobs, names, signal);
    await db.transact((tx) => deletePieces(tx, names));
  }
}

/**
 * Removes blobs that have no row: what a process that died, or came too late, has left. Which of them are yet to get one
 * nobody knows from outside, so the blobs of an upload stay while it is open; and it is seen to be whole or gone, and stays
 * so, before its rows are looked at.
 */
export async function sweepStrays({ db, blobs }: SweepPiecesDeps, signal?: AbortSignal): Promise<void> {
  let some: string[] = [];
  const sweepSome = async () => {
    const open = await findOpenUploads(db.read, [...new Set(some.map((name) => uploadIdOfPiece(name) ?? ''))]);
    const settled = some.filter((name) => !open.has(uploadIdOfPiece(name) ?? ''));
    const known = await findKnownBlobs(db.read, settled);
    await deleteBlobs(
      blobs,
      settled.filter((name) => !known.has(name)),
      signal,
    );
    some = [];
  };
  for await (const { name } of blobs.list()) {
    signal?.throwIfAborted();
    // What is not ours to name is not ours to delete.
    if (uploadIdOfPiece(name) === undefined) continue;
    some.push(name);
    if (some.length === blobsAtOnce) await sweepSome();
  }
  await sweepSome();
}

async function deleteBlobs(blobs: BlobStore, names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const next = names.values();
  const work = async () => {
    for (const name of next) {
      signal?.throwIfAborted();
      await blobs.delete(name);
    }
  };
  for (const done of await Promise.allSettled(Array.from({ length: deletesAtOnce }, work))) {
    if (done.status === 'rejected') throw done.reason;
  }
}
