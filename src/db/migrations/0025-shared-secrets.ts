import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** The secrets that all processes of an installation have to agree on, where there are several; see installation/shared-secrets.ts. */
export async function createSharedSecrets(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await db.schema
    .createTable('shared_secrets')
    .addColumn('name', textType(dialect), (c) => c.primaryKey().notNull())
    .addColumn('value', textType(dialect), (c) => c.notNull())
    .execute();
}
