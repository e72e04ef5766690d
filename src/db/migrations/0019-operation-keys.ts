import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** What clients gave to know an operation by, and folders by their names alone: both are asked for by clients of one API. */
export async function addOperationKeys<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  await db.schema
    .alterTable('operations')
    .addColumn('idempotency_key', textType(dialect), (c) => c.notNull().defaultTo(''))
    .execute();
  await db.schema.createIndex('folders_by_name').on('folders').columns(['name', 'id']).execute();
}
