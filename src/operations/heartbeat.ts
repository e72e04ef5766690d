import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import type { ActiveRun } from './active-run.ts';
import { LeaseLost } from './lease.ts';
import { updateLeased } from './operation-rows.ts';

const oneMore = sql<number>`lease_renewals + 1`;

/**
 * One beat for everything that this process runs: writes new progress, renews the leases that are due, in one
 * transaction, and aborts the runs whose lease turns out to be lost. Does nothing when nothing is due.
 *
 * What is due is told by the process's monotonic clock, and a renewal is one more in the row: who watches a lease
 * (lease-watch.ts) has to see it change, and not to know what time it is here.
 */
export async function beat(
  db: Database,
  runs: readonly ActiveRun[],
  { renewMs }: { readonly renewMs: number },
): Promise<void> {
  // Before it is written: it may be seen as soon as that.
  const renewedAt = performance.now();
  const due = runs
    .filter((run) => run.newProgress !== undefined || renewedAt - run.renewedAt >= renewMs)
    .map((run) => ({ run, progress: run.newProgress }));
  if (due.length === 0) return;
  const held = await db.transact(async (tx) => {
    const answers: boolean[] = [];
    for (const { run, progress } of due) {
      const attempts = await updateLeased(tx, run.lease, {
        lease_renewals: oneMore,
        ...(progress === undefined ? {} : { progress: JSON.stringify(progress), modified_at: Date.now() }),
      });
      answers.push(attempts !== undefined);
    }
    return answers;
  });
  for (const [index, { run, progress }] of due.entries()) {
    if (held[index] === true) {
      run.renewedAt = renewedAt;
      run.progressWritten(progress);
    } else {
      run.abort(new LeaseLost(run.lease));
    }
  }
}
