import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';

/** What counts one each: the quota's name, and the row's cloud as SQL. None of these rows ever comes into another cloud. */
const countedTables: readonly {
  readonly table: string;
  readonly name: string;
  readonly cloudOf: (row: string) => string;
}[] = [
  { table: 'folders', name: 'resource-manager.folders.count', cloudOf: (row) => `${row}.cloud_id` },
  { table: 'service_accounts', name: 'iam.serviceAccounts.count', cloudOf: cloudOfFolder },
  {
    table: 'service_account_keys',
    name: 'iam.authorizedKeys.count',
    cloudOf: (row) => `(select folders.cloud_id from folders
      join service_accounts on service_accounts.folder_id = folders.id
      where service_accounts.id = ${row}.service_account_id)`,
  },
  { table: 'attachments', name: 'compute.attachments.count', cloudOf: cloudOfFolder },
];

function cloudOfFolder(row: string): string {
  return `(select folders.cloud_id from folders where folders.id = ${row}.folder_id)`;
}

/** Counts what tenants make besides images and disks, as 0012-quotas.ts counts those: by triggers. */
export async function countTenancy<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  for (const { table, name, cloudOf } of countedTables) {
    await sql
      .raw(`insert into quota_usage (cloud_id, name, used)
        select ${cloudOf(table)}, '${name}', count(*) from ${table} group by 1`)
      .execute(db);
    const add = `insert into quota_usage (cloud_id, name, used)
      select ${cloudOf('new')}, '${name}', 1 where true
      on conflict (cloud_id, name) do update set used = quota_usage.used + 1;`;
    const take = `update quota_usage set used = used - 1 where cloud_id = ${cloudOf('old')} and name = '${name}';`;
    for (const [event, body] of [
      ['insert', add],
      ['delete', take],
    ] as const) {
      for (const statement of triggerOn(dialect, table, event, body)) await sql.raw(statement).execute(db);
    }
  }
}

function triggerOn(dialect: DialectName, table: string, event: 'insert' | 'delete', body: string): string[] {
  const name = `${table}_count_${event}`;
  if (dialect === 'sqlite') return [`create trigger ${name} after ${event} on ${table} begin ${body} end`];
  return [
    `create function ${name}() returns trigger language plpgsql as $$ begin ${body} return null; end $$`,
    `create trigger ${name} after ${event} on ${table} for each row execute function ${name}()`,
  ];
}
