import type { Transaction } from '../db/database.ts';
import type { JsonValue } from '../lib/json.ts';
import type { Lease } from './lease.ts';
import type { OperationInput } from './operation.ts';

/** How operations of one kind are run. The part of the service that starts them declares it; service.ts hands it in. */
export interface OperationKind {
  /** Stable: it is in the rows. */
  readonly name: string;

  /**
   * Does the work, up to what the returned Commit does. May be called again, from the last checkpoint, after a crash, a
   * stop or an UNAVAILABLE, so its steps are idempotent. Ends soon once the signal is aborted, by throwing; if it does
   * not, nothing it still commits under its lease goes through.
   *
   * What it throws decides: UNAVAILABLE is tried again later, any other ServiceError is the operation's error, LeaseLost
   * is nobody's business, GaveWay leaves the rest to another turn, and anything else is INTERNAL and logged.
   */
  run(context: OperationContext): Promise<Commit>;

  /** Undoes the rows, in the transaction that ends the operation as failed or cancelled. */
  abandon(tx: Transaction, operation: OperationInput): Promise<void>;

  /**
   * Undoes what is not in the database, after `abandon` was committed and the run, if one was under way here, has
   * ended. May be repeated, and may not happen at all when the process dies first: what it removes must be found by
   * other means then.
   */
  cleanUp?(operation: OperationInput): Promise<void>;

  /** The work succeeded, and its commit is durable. Only a hint: it may not happen at all when the process dies first. */
  onDone?(operation: OperationInput): void;
}

/**
 * The end of the work: runs in the one transaction that also marks the operation done, after its lease was checked.
 * Returns the result. Only SQL in it; may be run again when the database asks for it.
 */
export type Commit = (tx: Transaction) => Promise<JsonValue>;

export interface OperationContext {
  readonly operation: OperationInput;
  /** Aborted when the operation is cancelled, when it is to give way, when the lease is lost, and when the process stops. */
  readonly signal: AbortSignal;
  readonly lease: Lease;
  /** How often it gave way to other clouds' work since this process first ran it. */
  readonly timesGivenWay: number;
  /** Kept in memory at once, written at most once a second. */
  report(progress: JsonValue): void;
}

export type OperationKinds = ReadonlyMap<string, OperationKind>;

export function kindsByName(kinds: readonly OperationKind[]): OperationKinds {
  return new Map(kinds.map((kind) => [kind.name, kind]));
}
