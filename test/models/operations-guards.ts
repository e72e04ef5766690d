import type { Fault } from './operations-state.ts';

/** What the code checks, by where. Without one of them something of this must break, or the model is of nothing. */
export const guards = {
  finishChecksLease: 'end-run.ts finish: assertLease',
  finishHoldsRow: 'lease.ts assertLease: the check holds the row until the commit',
  checkpointChecksLease: 'lease.ts saveCheckpoint: changeLeased',
  settleChecksLease: 'end-run.ts fail, retryLater, giveBack: changeLeased',
  leaseIsRunning: "operation-rows.ts updateLeased: state = 'running'",
  claimRaisesEpoch: 'claim-operations.ts: epoch + 1',
  claimTakesExpired: 'next-due.ts isLeft: running, with a lease that is over',
  claimSkipsOwn: 'runner.ts #claim: except what this process is busy with',
  claimCounts: 'claim-operations.ts: attempts + 1, and runner.ts #carryOut: diedTooOften',
  cancelFindsDone: 'cancel-operation.ts: one that is done is returned as it is',
  cancelSeenInClaim: 'runner.ts abort: #cancelledInClaim',
  cleanUpLooks: 'runner.ts #cleanUp: only after a failure or a cancel',
  deleteAsksForDone: 'delete-operation.ts: refuses what is under way',
  requestLooksInside: 'start-once.ts: looks for the key in the transaction that inserts',
} as const;

export type Guard = keyof typeof guards;

export interface OperationsSize {
  readonly processes: number;
  /** Requests, each with an idempotency key of its own. */
  readonly requests: number;
  readonly maxAttempts: number;
  /** How many things may go wrong, */
  readonly faults: number;
  /** and which; all by default. */
  readonly only?: readonly Fault[];
}
