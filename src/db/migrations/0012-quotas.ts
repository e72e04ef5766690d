import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/**
 * What a row of a table counts for: a quota's name and an amount, as SQL over the row. The names are those of the public
 * service (quotas/quota.ts); a disk type that it does not have counts as network-hdd.
 */
interface CountedTable {
  readonly table: string;
  /** Names that the row counts under, and how much. */
  readonly amounts: (row: string) => readonly (readonly [name: string, amount: string])[];
  /** Columns that amounts are made of. */
  readonly columns: readonly string[];
}

const countedTables: readonly CountedTable[] = [
  {
    table: 'images',
    columns: ['folder_id', 'storage_size', 'pooled'],
    amounts: (row) => [
      [`'compute.images.count'`, '1'],
      [`'compute.images.size'`, `${row}.storage_size`],
      [`'compute.diskPools.count'`, `${row}.pooled`],
    ],
  },
  {
    table: 'disks',
    columns: ['folder_id', 'size', 'type_id'],
    amounts: (row) => [
      [`'compute.disks.count'`, '1'],
      [
        `case ${row}.type_id
          when 'network-ssd' then 'compute.ssdDisks.size'
          when 'network-ssd-nonreplicated' then 'compute.ssdNonReplicatedDisks.size'
          when 'network-ssd-io-m3' then 'compute.ssdIOM3Disks.size'
          else 'compute.hddDisks.size' end`,
        `${row}.size`,
      ],
    ],
  },
  {
    table: 'snapshots',
    columns: ['folder_id', 'storage_size'],
    amounts: (row) => [
      [`'compute.snapshots.count'`, '1'],
      [`'compute.snapshots.size'`, `${row}.storage_size`],
    ],
  },
  {
    table: 'operations',
    columns: ['state'],
    // The service's own work on its store is nobody's.
    amounts: (row) => [
      [
        `'compute.operations.count'`,
        `case when ${row}.state <> 'done' and ${row}.kind not like 'store.%' then 1 else 0 end`,
      ],
    ],
  },
];

/**
 * Limits, and what of them is used: rows that triggers keep, in the transaction of every change, whoever makes it. Counting at
 * each Create would take 9 ms of the one writer with 100,000 images in a cloud: docs/decisions/0009.
 */
export async function createQuotas<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('quota_defaults')
    .addColumn('name', text, (c) => c.primaryKey().notNull())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute();
  for (const [table, column] of [
    ['quota_limits', 'value'],
    ['quota_usage', 'used'],
  ] as const) {
    await db.schema
      .createTable(table)
      .addColumn('cloud_id', text, (c) => c.notNull().references('clouds.id').onDelete('cascade'))
      .addColumn('name', text, (c) => c.notNull())
      .addColumn(column, 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ['cloud_id', 'name'])
      .execute();
  }
  for (const counted of countedTables) {
    await countWhatIsThere(db, counted);
    await (dialect === 'sqlite' ? createSqliteTriggers(db, counted) : createPostgresTriggers(db, counted));
  }
}

async function countWhatIsThere<S>(db: Kysely<S>, { table, amounts }: CountedTable): Promise<void> {
  const parts = amounts(table).map(
    ([name, amount]) =>
      `select folders.cloud_id, ${name} as name, ${amount} as amount from ${table} join folders on folders.id = ${table}.folder_id`,
  );
  await sql
    .raw(`insert into quota_usage (cloud_id, name, used)
      select cloud_id, name, cast(sum(amount) as bigint) from (${parts.join(' union all ')}) as counted group by cloud_id, name`)
    .execute(db);
}

/** Adds what a row counts for to its cloud's, or takes it off. */
function countSql({ amounts }: CountedTable, row: 'old' | 'new'): string {
  const parts = amounts(row).map(([name, amount]) => `select ${name} as name, ${amount} as amount`);
  return `insert into quota_usage (cloud_id, name, used)
    select folders.cloud_id, counted.name, ${row === 'old' ? '-' : ''}counted.amount
    from folders, (${parts.join(' union all ')}) as counted
    where folders.id = ${row}.folder_id and counted.amount <> 0
    on conflict (cloud_id, name) do update set used = quota_usage.used + excluded.used;`;
}

async function createSqliteTriggers<S>(db: Kysely<S>, counted: CountedTable): Promise<void> {
  const { table, columns } = counted;
  const isChanged = columns.map((column) => `old.${column} <> new.${column}`).join(' or ');
  const [add, take] = [countSql(counted, 'new'), countSql(counted, 'old')];
  for (const trigger of [
    `create trigger ${table}_count_insert after insert on ${table} begin ${add} end`,
    `create trigger ${table}_count_update after update on ${table} when ${isChanged} begin ${take} ${add} end`,
    `create trigger ${table}_count_delete after delete on ${table} begin ${take} end`,
  ]) {
    await sql.raw(trigger).execute(db);
  }
}

async function createPostgresTriggers<S>(db: Kysely<S>, counted: CountedTable): Promise<void> {
  const { table, columns } = counted;
  const isChanged = columns.map((column) => `old.${column} <> new.${column}`).join(' or ');
  const [add, take] = [countSql(counted, 'new'), countSql(counted, 'old')];
  for (const [event, body, when] of [
    ['insert', add, ''],
    ['update', `${take} ${add}`, `when (${isChanged})`],
    ['delete', take, ''],
  ] as const) {
    const name = `${table}_count_${event}`;
    await sql
      .raw(`create function ${name}() returns trigger language plpgsql as $$ begin ${body} return null; end $$`)
      .execute(db);
    await sql
      .raw(`create trigger ${name} after ${event} on ${table} for each row ${when} execute function ${name}()`)
      .execute(db);
  }
}
