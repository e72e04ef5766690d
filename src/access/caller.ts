import type { Transaction } from '../db/database.ts';

/** Who asks for a change, and how to know the same request again. */
export interface Caller {
  readonly subjectId: string;
  readonly requestId: string;
  /** What the client sent as `idempotency-key`. */
  readonly idempotencyKey: string | undefined;
  /** SHA-256, in hex, of the method and the request's bytes. */
  readonly requestHash: string;
  /** The full name of the rpc. */
  readonly method: string;
  /**
   * Does the work that is the change, in its transaction, and records there who made it. Undefined where nobody is to
   * know of it.
   */
  readonly recorded?: RecordedWork;
}

/** What a change leaves, an operation for one, passes through. */
export type RecordedWork = <T extends { readonly id: string; readonly resourceId: string; readonly folderId: string }>(
  tx: Transaction,
  work: () => Promise<T>,
) => Promise<T>;
