import type { StoredError } from '../errors.ts';

/**
 * Durable work. An operation is a row; whoever runs it holds a lease on the row; whatever its work commits checks the
 * lease. So a process may die at any moment, and two processes may believe that they run the same operation, without
 * anything being lost or done twice.
 *
 * A row is in one of three states:
 *
 *   pending   nobody runs it. It may be claimed once its `run_after` has come.
 *   running   the process named in `lease_owner` runs it, and says so again and again in `lease_renewals` while it lives.
 *   done      it has a result or an error, and nothing changes any more.
 *
 * and moves only like this, each move in one transaction:
 *
 *   (none) -> pending     insertOperation, in the transaction of the request that starts it
 *   (none) -> done        insertFinishedOperation: all of its work was done in that transaction
 *   pending -> running    claim: epoch + 1, attempts + 1
 *   running -> running    claim of a lease that is over (its process died or stalls): epoch + 1, attempts + 1
 *   running -> pending    the work failed with UNAVAILABLE and has attempts left: it waits for `run_after`;
 *                         or the process stops in order: it gives the lease back, and the attempt does not count
 *   running -> done       the work's commit, with its result, or its failure, with the kind's `abandon`
 *   pending, running -> done   cancel, with the kind's `abandon`: epoch + 1
 *
 * `lease_epoch` is the fence. The moves out of `running`, every checkpoint and every commit of the work are made by
 * the lease's (operation, epoch) pair and fail with LeaseLost when the row says another epoch or another state. A
 * worker that lost its lease, or whose operation was cancelled, can therefore change nothing, however late it notices.
 *
 * No clock decides who has a lease: it is over when whoever claims it has seen no renewal for as long as a lease lasts, by its
 * own monotonic clock (lease-watch.ts). When something is due is told by the database's time alone.
 *
 * `attempts` counts claims. An operation whose process died under it `maxAttempts` times is not run again: it ends
 * with INTERNAL, because it is likely what kills the process.
 */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly folderId: string;
  readonly resourceId: string;
  /** What an image, a disk or a snapshot was called at that moment (its id when it had no name); '' for all else. */
  readonly resourceName: string;
  /** The zone of a disk that it is on; '' for what is in no zone. */
  readonly zoneId: string;
  readonly description: string;
  /** What the client gave to have its request known again; '' for nothing. */
  readonly idempotencyKey: string;
  /** The subject that asked for it. */
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
  readonly done: boolean;
  /** What it was started with, in its kind's own shape; may hold secrets, such as a signed address. */
  readonly input: unknown;
  /** Progress for people, in its kind's own shape. */
  readonly progress: unknown;
  /** Why it failed; only when done. */
  readonly error: StoredError | undefined;
  /** What it made, in its kind's own shape; only when done without an error. */
  readonly result: unknown;
}

/** What the work itself is given of its operation. */
export interface OperationInput {
  readonly id: string;
  readonly kind: string;
  readonly folderId: string;
  readonly resourceId: string;
  /** What insertOperation was given. */
  readonly input: unknown;
  /** What saveCheckpoint was last given; undefined before. */
  readonly checkpoint: unknown;
}
