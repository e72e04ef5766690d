import type { Database } from '../db/database.ts';
import { type DueQuery, isAnythingDue, lockDueRows, type OperationRow, updateRow } from './operation-rows.ts';

/**
 * Takes the lease on what is due: never run before, waiting for another attempt, or left by a process that no longer
 * renews. Several processes may claim at once; each operation goes to one of them.
 */
export async function claimOperations(
  db: Database,
  { ownerId, leaseMs, ...query }: DueQuery & { readonly ownerId: string; readonly leaseMs: number },
): Promise<OperationRow[]> {
  if (!(await isAnythingDue(db.read, query))) return [];
  return db.transact(async (tx) => {
    const claimed: OperationRow[] = [];
    for (const row of await lockDueRows(tx, db.dialect, query)) {
      const change = {
        state: 'running',
        lease_owner: ownerId,
        lease_epoch: row.lease_epoch + 1,
        lease_expires_at: query.now + leaseMs,
        attempts: row.attempts + 1,
      } satisfies Partial<OperationRow>;
      await updateRow(tx, row.id, change);
      claimed.push({ ...row, ...change });
    }
    return claimed;
  });
}
