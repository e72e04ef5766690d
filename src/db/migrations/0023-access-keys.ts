import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

const cloudOf = (row: string) => `(select folders.cloud_id from folders
  join service_accounts on service_accounts.folder_id = folders.id
  where service_accounts.id = ${row}.service_account_id)`;

/** What service accounts sign requests to the object store with, counted as 0016-tenancy-quotas.ts counts other keys. */
export async function createAccessKeys<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('access_keys')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('service_account_id', text, (c) => c.notNull().references('service_accounts.id'))
    .addColumn('key_id', text, (c) => c.notNull().unique())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('access_keys_by_account')
    .on('access_keys')
    .columns(['service_account_id', 'id'])
    .execute();
  const name = 'iam.accessKeys.count';
  const changes = {
    insert: `insert into quota_usage (cloud_id, name, used) select ${cloudOf('new')}, '${name}', 1 where true
      on conflict (cloud_id, name) do update set used = quota_usage.used + 1;`,
    delete: `update quota_usage set used = used - 1 where cloud_id = ${cloudOf('old')} and name = '${name}';`,
  };
  for (const [event, body] of Object.entries(changes)) {
    for (const statement of triggerOn(dialect, event, body)) await sql.raw(statement).execute(db);
  }
}

function triggerOn(dialect: DialectName, event: string, body: string): string[] {
  const name = `access_keys_count_${event}`;
  if (dialect === 'sqlite') return [`create trigger ${name} after ${event} on access_keys begin ${body} end`];
  return [
    `create function ${name}() returns trigger language plpgsql as $$ begin ${body} return null; end $$`,
    `create trigger ${name} after ${event} on access_keys for each row execute function ${name}()`,
  ];
}
