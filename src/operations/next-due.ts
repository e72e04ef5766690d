import { type Expression, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import type { OperationRow, SeenLease } from './operation-rows.ts';

export interface DueQuery {
  readonly kinds: readonly string[];
  /** Whose operations: those of these nodes, or of all, as by default. */
  readonly nodes?: readonly string[] | 'all';
  /** Operations not to be claimed: this process is still busy with them. */
  readonly except: readonly string[];
  /** Leases that are over. */
  readonly unrenewed: readonly SeenLease[];
  /** When it is; the database's time by default. */
  readonly now?: Expression<number>;
}

/**
 * What is to wait for longer than that does not wait: no retry is put off for so long, so the database's clock was set back
 * behind the row. Nor was a cloud served so long after now.
 */
export const longestWaitMs = 120_000;

/** The operation that is to be claimed next. */
export interface NextDue {
  readonly id: string;
  readonly cloudId: string;
  /** How long it has been due, in milliseconds. */
  readonly dueMs: number;
  /** How many operations of its cloud run now, in all processes. */
  readonly running: number;
}

/**
 * The operation whose turn it is of those that may be claimed: never run before, waiting for another attempt, or left by
 * a process that no longer renews. Clouds take turns, however much each of them has waiting: first the cloud of which fewest
 * run, of those the one that was served longest ago, and of a cloud's operations the one that is due longest.
 *
 * Two looks into an index for each cloud that has something waiting, not one for each operation. Outside a transaction: who
 * claims looks again whether it is still there to be claimed.
 */
export async function findNextDue(db: Queryable, query: DueQuery): Promise<NextDue | undefined> {
  const { kinds, nodes = 'all', except, unrenewed, now = databaseTime(db) } = query;
  const tooLate = sql`${now} + ${longestWaitMs}`;
  const kindList = sql.join(kinds);
  const isOurs = nodes === 'all' ? sql`true` : sql`o.node_id in (${sql.join(nodes)})`;
  const isFree = except.length === 0 ? isOurs : sql`${isOurs} and o.id not in (${sql.join(except)})`;
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
      due (id, cloud_id) as materialized (
        select coalesce((
          select o.id from operations o
          where o.state = 'pending' and o.kind = waiting.kind and o.cloud_id = waiting.cloud_id
            and o.run_after > ${tooLate} and ${isFree}
          order by o.run_after, o.id limit 1), (
          select o.id from operations o
          where o.state = 'pending' and o.kind = waiting.kind and o.cloud_id = waiting.cloud_id
            and o.run_after <= ${now} and ${isFree}
          order by o.run_after, o.id limit 1)), waiting.cloud_id
        from waiting where waiting.cloud_id is not null
        union all
        select o.id, o.cloud_id from operations o
        where o.state = 'running' and ${isLeft('o', unrenewed)} and o.kind in (${kindList}) and ${isFree}),
      candidate (id, cloud_id, run_after) as materialized (
        select due.id, due.cloud_id, (select o.run_after from operations o where o.id = due.id)
        from due where due.id is not null)
    select candidate.id, candidate.cloud_id as "cloudId", coalesce(running.count, 0) as running,
      case when candidate.run_after > ${now} then ${longestWaitMs} else ${now} - candidate.run_after end as "dueMs"
    from candidate
      left join (
        select o.cloud_id, count(*) as count from operations o
        where o.state = 'running' and not ${isLeft('o', unrenewed)} and o.kind in (${kindList})
        group by o.cloud_id) as running on running.cloud_id = candidate.cloud_id
      left join (
        select t.cloud_id, max(t.claimed_at) as claimed_at from operation_turns t
        where t.kind in (${kindList}) and t.claimed_at <= ${tooLate} group by t.cloud_id) as turn on turn.cloud_id = candidate.cloud_id
    order by coalesce(running.count, 0), coalesce(turn.claimed_at, 0), candidate.run_after, candidate.id
    limit 1`.execute(db);
  const [row] = rows;
  return row && { id: row.id, cloudId: row.cloudId, dueMs: Number(row.dueMs), running: Number(row.running) };
}

/** Of what is running: nobody has it, or nobody renews it. */
function isLeft(operation: string, unrenewed: readonly SeenLease[]) {
  const column = (name: string) => sql.ref(`${operation}.${name}`);
  if (unrenewed.length === 0) return sql<boolean>`(${column('lease_owner')} = '')`;
  const leases = unrenewed.map(({ operationId, epoch, renewals }) => sql`(${operationId}, ${epoch}, ${renewals})`);
  const lease = sql`(${column('id')}, ${column('lease_epoch')}, ${column('lease_renewals')})`;
  return sql<boolean>`(${column('lease_owner')} = '' or ${lease} in (${sql.join(leases)}))`;
}

/** The operation, held until the transaction ends; undefined when it may not be claimed any more, or another process holds it. */
export async function lockDueRow(
  tx: Transaction,
  dialect: 'sqlite' | 'postgres',
  { id, unrenewed, now = databaseTime(tx) }: { readonly id: string } & Pick<DueQuery, 'unrenewed' | 'now'>,
): Promise<OperationRow | undefined> {
  const isDue = sql<boolean>`(run_after <= ${now} or run_after > ${now} + ${longestWaitMs})`;
  return tx
    .selectFrom('operations')
    .selectAll()
    .where('id', '=', id)
    .where(({ or, and, eb }) =>
      or([
        and([eb('state', '=', 'pending'), isDue]),
        and([eb('state', '=', 'running'), isLeft('operations', unrenewed)]),
      ]),
    )
    .$if(dialect === 'postgres', (due) => due.forUpdate().skipLocked())
    .executeTakeFirst();
}

/** The cloud has had its turn with this kind of operation. */
export async function upsertTurn(
  tx: Transaction,
  {
    cloudId,
    kind,
    now = databaseTime(tx),
  }: { readonly cloudId: string; readonly kind: string; readonly now?: DueQuery['now'] },
): Promise<void> {
  const claimedAt = sql<number>`${now}`;
  await tx
    .insertInto('operation_turns')
    .values({ cloud_id: cloudId, kind, claimed_at: claimedAt })
    .onConflict((conflict) => conflict.columns(['cloud_id', 'kind']).doUpdateSet({ claimed_at: claimedAt }))
    .execute();
}

/** Forgets turns that are older than anything that still waits for one. */
export async function deleteOldTurns(tx: Transaction, before: number): Promise<void> {
  await tx.deleteFrom('operation_turns').where('claimed_at', '<', before).execute();
}
