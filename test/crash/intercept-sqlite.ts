import { SqliteConnection } from '../../src/db/sqlite-connection.ts';
import { changeOf, commitOf } from './sql-change.ts';

/**
 * Puts `around` about every commit of this process, and about every change that is made outside a transaction. Commits
 * are named by what they change.
 */
export function interceptSqlite(around: <T>(point: string, run: () => Promise<T>) => Promise<T>): void {
  const { execute } = SqliteConnection.prototype;
  const open = new WeakMap<SqliteConnection, Set<string>>();
  SqliteConnection.prototype.execute = function (sql, parameters) {
    const run = () => execute.call(this, sql, parameters) as never; // its row type is the caller's own
    if (sql === 'begin immediate') open.set(this, new Set());
    const changes = open.get(this);
    if (sql === 'commit' || sql === 'rollback') {
      open.delete(this);
      if (sql === 'rollback' || changes === undefined || changes.size === 0) return run();
      return around(commitOf(changes), run);
    }
    const change = changeOf(sql);
    if (change === undefined) return run();
    if (changes === undefined) return around(change, run);
    changes.add(change);
    return run();
  };
}
