import type { Database } from '../db/database.ts';
import type { ActiveRun } from './active-run.ts';
import { LeaseLost } from './lease.ts';
import { updateLeased } from './operation-rows.ts';

/**
 * One beat for everything that this process runs: writes new progress, renews the leases that are due, in one
 * transaction, and aborts the runs whose lease turns out to be lost. Does nothing when nothing is due.
 */
export async function beat(
  db: Database,
  runs: readonly ActiveRun[],
  { leaseMs, renewMs }: { readonly leaseMs: number; readonly renewMs: number },
): Promise<void> {
  const now = Date.now();
  const due = runs
    .filter((run) => run.newProgress !== undefined || run.leaseExpiresAt - now <= leaseMs - renewMs)
    .map((run) => ({ run, progress: run.newProgress }));
  if (due.length === 0) return;
  const leaseExpiresAt = now + leaseMs;
  const held = await db.transact(async (tx) => {
    const answers: boolean[] = [];
    for (const { run, progress } of due) {
      const attempts = await updateLeased(tx, run.lease, {
        lease_expires_at: leaseExpiresAt,
        ...(progress === undefined ? {} : { progress: JSON.stringify(progress), modified_at: now }),
      });
      answers.push(attempts !== undefined);
    }
    return answers;
  });
  for (const [index, { run, progress }] of due.entries()) {
    if (held[index] === true) {
      run.leaseExpiresAt = leaseExpiresAt;
      run.progressWritten(progress);
    } else {
      run.abort(new LeaseLost(run.lease));
    }
  }
}
