import { sql } from 'kysely';
import { insertOutcome } from '../audit/audit-rows.ts';
import type { Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import { type ServiceError, toStoredError } from '../errors.ts';
import type { JsonValue } from '../lib/json.ts';
import type { Commit, OperationKind } from './kind.ts';
import { assertLease, changeLeased, type Lease } from './lease.ts';
import { findRow, type OperationChange, toInput } from './operation-rows.ts';

/**
 * The moves out of `running` that the holder of the lease makes. Each throws LeaseLost when it has it no more. Those to `done`
 * are recorded (audit/).
 */

/** running -> done, with what the work's own commit does. */
export async function finish(
  tx: Transaction,
  lease: Lease,
  { commit, progress }: { readonly commit: Commit; readonly progress: JsonValue | undefined },
): Promise<void> {
  await assertLease(tx, lease);
  const result = await commit(tx);
  await changeLeased(tx, lease, { ...done(progress), result: JSON.stringify(result) });
  await insertOutcome(tx, { operationId: lease.operationId, code: 'OK', at: new Date() });
}

/** running -> done with an error, and the kind's undoing. */
export async function fail(
  tx: Transaction,
  lease: Lease,
  {
    kind,
    error,
    progress,
  }: { readonly kind: OperationKind; readonly error: ServiceError; readonly progress: JsonValue | undefined },
): Promise<void> {
  await assertLease(tx, lease);
  const row = await findRow(tx, lease.operationId);
  if (row !== undefined) await kind.abandon(tx, toInput(row));
  await changeLeased(tx, lease, { ...done(progress), error: JSON.stringify(toStoredError(error)) });
  await insertOutcome(tx, { operationId: lease.operationId, code: error.code, at: new Date() });
}

/** running -> pending: the next attempt may come when `delayMs` have passed. */
export async function retryLater(tx: Transaction, lease: Lease, delayMs: number): Promise<void> {
  await changeLeased(tx, lease, { ...free, run_after: sql<number>`${databaseTime(tx)} + ${Math.round(delayMs)}` });
}

/** running -> pending, as if this attempt had never begun. */
export async function giveBack(tx: Transaction, lease: Lease): Promise<void> {
  await returnAttempt(tx, lease, {});
}

/** The same, behind all that is due by now. */
export async function giveWay(tx: Transaction, lease: Lease): Promise<void> {
  await returnAttempt(tx, lease, { run_after: databaseTime(tx) });
}

async function returnAttempt(tx: Transaction, lease: Lease, change: OperationChange): Promise<void> {
  const attempts = await changeLeased(tx, lease, {});
  await changeLeased(tx, lease, { ...free, ...change, attempts: Math.max(0, attempts - 1) });
}

const free = { state: 'pending', lease_owner: '' } as const;

function done(progress: JsonValue | undefined) {
  return {
    state: 'done',
    modified_at: Date.now(),
    lease_owner: '',
    ...(progress === undefined ? {} : { progress: JSON.stringify(progress) }),
  } as const;
}
