import { SqliteConnection } from '../../src/db/sqlite-connection.ts';

/**
 * Puts `around` about every commit of this process, and about every change that is made outside a transaction. Commits
 * are named by what they change: `commit delete images, insert operations`.
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
      return around(`commit ${[...changes].toSorted().join(', ')}`, run);
    }
    const change = changeOf(sql);
    if (change === undefined) return run();
    if (changes === undefined) return around(change, run);
    changes.add(change);
    return run();
  };
}

/** `insert packs`, `create table`, or undefined for what changes nothing. */
function changeOf(sql: string): string | undefined {
  const words = /\b(insert into|update|delete from|create (?:unique )?(?:table|index)|alter table)\s+"?(\w+)/i.exec(
    sql,
  );
  if (words === null) return undefined;
  const [verb = ''] = (words[1] ?? '').toLowerCase().split(' ');
  return verb === 'create' || verb === 'alter' ? 'change tables' : `${verb} ${words[2]}`;
}
