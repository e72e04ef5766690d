import { type Repetition, repeat } from '../lib/repeat.ts';
import { SqliteConnection } from './sqlite-connection.ts';

/** From a commit to the checkpoint: many commits share one. */
const soonMs = 1_000;
const everyMs = 3_600_000;

/**
 * Brings what was committed from SQLite's log into its file, on a connection and a thread of its own. SQLite would do that
 * within whichever commit finds the log long enough, which then waits for a few thousand pages and two more fsyncs. Wake it
 * after a commit. The writer still does it itself when the log has become far longer: see sqlite-thread.ts.
 */
export function startCheckpointer(path: string): Repetition {
  let connection: SqliteConnection | undefined;
  const repetition = repeat({
    soonMs,
    everyMs,
    async run() {
      connection ??= await SqliteConnection.open({ path, readOnly: false });
      // As far as it comes without anybody waiting: neither who reads nor who writes.
      await connection.execute('pragma wal_checkpoint(passive)');
    },
    // Nothing is lost by it: the log is as durable as the file, and what keeps this from the file keeps the writer, too.
    onError() {},
  });
  return {
    ...repetition,
    async [Symbol.asyncDispose]() {
      await repetition[Symbol.asyncDispose]();
      await connection?.[Symbol.asyncDispose]();
    },
  };
}
