import type { Kysely, Transaction as KyselyTransaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What a function that reads takes: the committed state, or a transaction's view. */
export type Queryable = Kysely<Schema>;

/** What a function that writes takes. Inside it only SQL: never a hash, a file or a network call. */
export type Transaction = KyselyTransaction<Schema>;

/** Which database it is: tables and statements are the same but for a few words. */
export type DialectName = 'sqlite' | 'postgres';

/** The metadata. Dispose it last. */
export interface Database extends AsyncDisposable {
  readonly dialect: DialectName;

  /** The committed state, for reading outside a transaction. */
  readonly read: Queryable;

  /** The same, for statements that look at much: on SQLite such a one holds up who scans, too, and nobody who reads. */
  readonly scan: Queryable;

  /**
   * Runs `work` in one transaction, isolated from every other, and commits it durably; rolls back when it throws.
   * A database with many writers may run `work` again after a conflict, so it must have no effect but its SQL.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}
