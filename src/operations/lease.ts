import type { Queryable, Transaction } from '../db/database.ts';
import type { JsonValue } from '../lib/json.ts';
import { findRow, type OperationChange, updateLeased } from './operation-rows.ts';

/** The right to change things in the name of an operation, until somebody else claims or cancels it. */
export interface Lease {
  readonly operationId: string;
  readonly epoch: number;
}

/** Somebody else has the operation now, or it is done: whoever held this lease may commit nothing more. */
export class LeaseLost extends Error {
  readonly lease: Lease;

  constructor(lease: Lease) {
    super(`the lease on operation ${lease.operationId} under epoch ${lease.epoch} is lost`);
    this.name = 'LeaseLost';
    this.lease = lease;
  }
}

/**
 * Throws LeaseLost unless the operation is running under this lease. Holds the row until the transaction ends, so that
 * nobody can claim or cancel the operation between the check and the commit.
 */
export async function assertLease(tx: Transaction, lease: Lease): Promise<void> {
  await changeLeased(tx, lease, {});
}

/** Changes the operation's row if the lease holds, and returns its attempts; throws LeaseLost if not. */
export async function changeLeased(tx: Transaction, lease: Lease, change: OperationChange): Promise<number> {
  const attempts = await updateLeased(tx, lease, change);
  if (attempts === undefined) throw new LeaseLost(lease);
  return attempts;
}

export interface CheckpointOptions {
  /**
   * Promises that the work has come further than ever before, not only further in this run. Crashes and unavailability
   * before it are then forgiven: attempts are counted from here.
   */
  readonly isNewGround?: boolean;
}

/** Keeps how far the work came, for the next run. Throws LeaseLost. */
export async function saveCheckpoint(
  tx: Transaction,
  lease: Lease,
  checkpoint: JsonValue,
  { isNewGround = false }: CheckpointOptions = {},
): Promise<void> {
  await changeLeased(tx, lease, {
    checkpoint: JSON.stringify(checkpoint),
    ...(isNewGround ? { attempts: 1 } : {}),
  });
}

/** Whether the operation is running under this lease at this moment. Once it is not, it never is again. */
export async function isLeaseHeld(db: Queryable, lease: Lease): Promise<boolean> {
  const row = await findRow(db, lease.operationId);
  return row !== undefined && row.state === 'running' && row.lease_epoch === lease.epoch;
}
