import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { OperationRow } from './operation-rows.ts';

export interface DueQuery {
  readonly now: number;
  readonly kinds: readonly string[];
  /** Operations not to be claimed: this process is still busy with them. */
  readonly except: readonly string[];
}

/** The operation that is to be claimed next. */
export interface NextDue {
  readonly id: string;
  readonly cloudId: string;
  readonly runAfter: number;
  /** How many operations of its cloud run now, in all processes. */
  readonly running: number;
}

/**
 * The operation whose turn it is of those that may be claimed: never run before, waiting for another attempt, or left by
 * a process that no longer renews. Clouds take turns, however much each of them has waiting: first the cloud of which fewest
 * run, of those the one that was served longest ago, and of a cloud's operations the one that is due longest.
 *
 * One look into an index for each cloud that has something waiting, not one for each operation. Outside a transaction: who
 * claims looks again whether it is still there to be claimed.
 */
export async function findNextDue(db: Queryable, { now, kinds, except }: DueQuery): Promise<NextDue | undefined> {
  const kindList = sql.join(kinds);
  const isFree = except.length === 0 ? sql`true` : sql`o.id not in (${sql.join(except)})`;
  const kindRows = sql.join(
    kinds.map((kind) => sql`select cast(${kind} as text) as kind`),
    sql` union all `,
  );
  // The states stand in the text: a bound parameter in their place would leave the partial indexes unused.
  const { rows } = await sql<NextDue>`
    with recursive
      waiting (kind, cloud_id) as (
        select kinds.kind, (
          select o.cloud_id from operations o where o.state = 'pending' and o.kind = kinds.kind
          order by o.cloud_id limit 1)
        from (${kindRows}) as kinds
        union all
        select waiting.kind, (
          select o.cloud_id from operations o
          where o.state = 'pending' and o.kind = waiting.kind and o.cloud_id > waiting.cloud_id
          order by o.cloud_id limit 1)
        from waiting where waiting.cloud_id is not null),
      due (id) as (
        select (
          select o.id from operations o
          where o.state = 'pending' and o.kind = waiting.kind and o.cloud_id = waiting.cloud_id
            and o.run_after <= ${now} and ${isFree}
          order by o.run_after, o.id limit 1)
        from waiting where waiting.cloud_id is not null
        union all
        select o.id from operations o
        where o.state = 'running' and o.lease_expires_at <= ${now} and o.kind in (${kindList}) and ${isFree})
    select candidate.id, candidate.cloud_id as "cloudId", candidate.run_after as "runAfter",
      coalesce(running.count, 0) as running
    from due
      join operations candidate on candidate.id = due.id
      left join (
        select o.cloud_id, count(*) as count from operations o
        where o.state = 'running' and o.lease_expires_at > ${now} and o.kind in (${kindList})
        group by o.cloud_id) as running on running.cloud_id = candidate.cloud_id
      left join (
        select t.cloud_id, max(t.claimed_at) as claimed_at from operation_turns t
        where t.kind in (${kindList}) group by t.cloud_id) as turn on turn.cloud_id = candidate.cloud_id
    order by coalesce(running.count, 0), coalesce(turn.claimed_at, 0), candidate.run_after, candidate.id
    limit 1`.execute(db);
  const [row] = rows;
  return row && { id: row.id, cloudId: row.cloudId, runAfter: Number(row.runAfter), running: Number(row.running) };
}

/** The operation, held until the transaction ends; undefined when it may not be claimed any more, or another process holds it. */
export async function lockDueRow(
  tx: Transaction,
  dialect: 'sqlite' | 'postgres',
  { id, now }: { readonly id: string; readonly now: number },
): Promise<OperationRow | undefined> {
  return tx
    .selectFrom('operations')
    .selectAll()
    .where('id', '=', id)
    .where('run_after', '<=', now)
    .where(({ or, and, eb }) =>
      or([eb('state', '=', 'pending'), and([eb('state', '=', 'running'), eb('lease_expires_at', '<=', now)])]),
    )
    .$if(dialect === 'postgres', (due) => due.forUpdate().skipLocked())
    .executeTakeFirst();
}

/** The cloud has had its turn with this kind of operation. */
export async function upsertTurn(
  tx: Transaction,
  { cloudId, kind, now }: { readonly cloudId: string; readonly kind: string; readonly now: number },
): Promise<void> {
  await tx
    .insertInto('operation_turns')
    .values({ cloud_id: cloudId, kind, claimed_at: now })
    .onConflict((conflict) => conflict.columns(['cloud_id', 'kind']).doUpdateSet({ claimed_at: now }))
    .execute();
}

/** Forgets turns that are older than anything that still waits for one. */
export async function deleteOldTurns(tx: Transaction, before: number): Promise<void> {
  await tx.deleteFrom('operation_turns').where('claimed_at', '<', before).execute();
}
