import type { Queryable } from '../db/database.ts';

/** What only the metadata knows, counted; of all processes that use it. */
export interface Facts {
  /** Operations that are not done. */
  readonly operations: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  /** How long the oldest operation waits that could be run now, in milliseconds. */
  readonly oldestWaitMs: number;
  readonly uploads: { readonly count: number; readonly arrivedBytes: number; readonly promisedBytes: number };
  readonly attachments: readonly { readonly kind: string; readonly mode: string; readonly count: number }[];
}

/** Reads few rows, by indexes: what is not done, and what is open. */
export async function readFacts(db: Queryable, now: number): Promise<Facts> {
  const operations = await db
    .selectFrom('operations')
    .select((row) => ['kind', 'state', row.fn.countAll<number>().as('count')])
    .where('state', '<>', 'done')
    .groupBy(['kind', 'state'])
    .execute();
  const oldest = await db
    .selectFrom('operations')
    .select((row) => row.fn.min<number | null>('run_after').as('since'))
    .where('state', '=', 'pending')
    .where('run_after', '<=', now)
    .executeTakeFirst();
  const uploads = await db
    .selectFrom('uploads')
    .select((row) => [
      row.fn.countAll<number>().as('count'),
      row.fn.sum<number | null>('durable_length').as('arrived'),
      row.fn.sum<number | null>('length').as('promised'),
    ])
    .executeTakeFirst();
  const attachments = await db
    .selectFrom('attachments')
    .select((row) => ['kind', 'mode', row.fn.countAll<number>().as('count')])
    .groupBy(['kind', 'mode'])
    .execute();
  return {
    operations: operations.map(({ kind, state, count }) => ({ kind, state, count: Number(count) })),
    oldestWaitMs: Math.max(0, now - Number(oldest?.since ?? now)),
    uploads: {
      count: Number(uploads?.count ?? 0),
      arrivedBytes: Number(uploads?.arrived ?? 0),
      promisedBytes: Number(uploads?.promised ?? 0),
    },
    attachments: attachments.map(({ kind, mode, count }) => ({ kind, mode, count: Number(count) })),
  };
}
