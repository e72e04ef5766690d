import { Kysely } from 'kysely';
import { startCheckpointer } from './checkpointer.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';

/**
 * Opens the metadata in a SQLite file, making it and bringing its tables up to date first.
 * One connection writes, another reads, a third, once somebody scans, reads much, and a fourth brings what was written from the log
 * into the file; each has its own thread. `onLost` is called when one of them dies: the database can't be used any more, and has to
 * be opened anew.
 */
export async function openSqlite(
  path: string,
  { onLost }: { readonly onLost?: ((error: Error) => void) | undefined } = {},
): Promise<Database> {
  await using opening = new AsyncDisposableStack();
  const writer = opening.use(await SqliteConnection.open({ path, readOnly: false, onLost }));
  const writes = new Kysely<Schema>({ dialect: createSqliteDialect(writer) });
  await migrate(writes, 'sqlite');
  const reader = opening.use(await SqliteConnection.open({ path, readOnly: true, onLost }));
  const reads = new Kysely<Schema>({ dialect: createSqliteDialect(reader) });
  const scans = new Kysely<Schema>({
    dialect: createSqliteDialect(async () => opened.use(await SqliteConnection.open({ path, readOnly: true, onLost }))),
  });
  const checkpointer = opening.use(startCheckpointer(path));
  const opened = opening.move();
  return {
    dialect: 'sqlite',
    read: reads,
    scan: scans,
    async transact(work) {
      const done = await writes.transaction().execute(work);
      checkpointer.wake();
      return done;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
