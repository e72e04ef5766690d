import type { Database } from '../db/database.ts';
import { findExpired } from './attachment-rows.ts';
import { removeAttachment } from './remove-attachment.ts';

/** Taken away in one transaction, so that no request waits long behind it. */
const removedAtOnce = 200;

/**
 * Takes away all attachments that were not used in time: each holds its content, which may have been deleted since, and
 * keeps its folder from being deleted, while no list shows it. Returns how many.
 */
export async function forgetExpired(
  { db, now }: { readonly db: Database; now(): number },
  signal?: AbortSignal,
): Promise<number> {
  for (let forgotten = 0; ; ) {
    signal?.throwIfAborted();
    // A read first: there mostly are none, and a transaction is everybody's only writer.
    if ((await findExpired(db.read, { now: now(), limit: 1 })).length === 0) return forgotten;
    const removed = await db.transact(async (tx) => {
      const ids = await findExpired(tx, { now: now(), limit: removedAtOnce });
      for (const id of ids) await removeAttachment(tx, id);
      return ids.length;
    });
    forgotten += removed;
  }
}
