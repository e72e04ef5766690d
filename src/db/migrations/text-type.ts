import { type RawBuilder, sql } from 'kysely';
import type { DialectName } from '../database.ts';

/**
 * The type of a column of text: sorted and compared by its bytes, as SQLite does without being asked. Pages by key must
 * come in the same order everywhere.
 */
export function textType(dialect: DialectName): RawBuilder<unknown> {
  return dialect === 'sqlite' ? sql`text` : sql`text collate "C"`;
}
