import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** What service accounts and their keys are called, lists of both, and the tokens that were ended before their time. */
export async function createIdentities(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const add = (table: string, column: string, content: string) =>
    db.schema
      .alterTable(table)
      .addColumn(column, text, (c) => c.notNull().defaultTo(content))
      .execute();
  await add('service_accounts', 'description', '');
  await add('service_accounts', 'labels', '{}');
  await add('service_account_keys', 'description', '');
  await db.schema.createIndex('service_accounts_by_id').on('service_accounts').columns(['folder_id', 'id']).execute();
  await db.schema
    .createIndex('service_account_keys_by_account')
    .on('service_account_keys')
    .columns(['service_account_id', 'id'])
    .execute();
  await db.schema
    .createTable('revoked_tokens')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
}
