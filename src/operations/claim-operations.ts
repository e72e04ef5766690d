import type { Database } from '../db/database.ts';
import { type DueQuery, findNextDue, lockDueRow, upsertTurn } from './next-due.ts';
import { type OperationRow, updateRow } from './operation-rows.ts';

/**
 * Takes the lease on the operation whose turn it is (next-due.ts); undefined when nothing is due. Several processes may claim
 * at once; each operation goes to one of them. Asks for the writer only when there is something to claim.
 */
export async function claimNext(
  db: Database,
  { ownerId, ...query }: DueQuery & { readonly ownerId: string },
): Promise<OperationRow | undefined> {
  for (const passedOver: string[] = []; ; ) {
    const next = await findNextDue(db.read, { ...query, except: [...query.except, ...passedOver] });
    if (next === undefined) return undefined;
    const claimed = await db.transact(async (tx) => {
      const row = await lockDueRow(tx, db.dialect, { ...query, id: next.id });
      if (row === undefined) return undefined;
      const change = {
        state: 'running',
        lease_owner: ownerId,
        lease_epoch: row.lease_epoch + 1,
        attempts: row.attempts + 1,
      } satisfies Partial<OperationRow>;
      await updateRow(tx, row.id, change);
      await upsertTurn(tx, { ...query, cloudId: row.cloud_id, kind: row.kind });
      return { ...row, ...change };
    });
    if (claimed !== undefined) return claimed;
    // Another process has it.
    passedOver.push(next.id);
  }
}
