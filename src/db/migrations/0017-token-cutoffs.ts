import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Until when the tokens of a subject were made that were all ended at once. */
export async function createTokenCutoffs(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  await db.schema
    .createTable('token_cutoffs')
    .addColumn('subject_id', textType(dialect), (c) => c.primaryKey().notNull())
    .addColumn('made_until', 'bigint', (c) => c.notNull())
    .execute();
}
