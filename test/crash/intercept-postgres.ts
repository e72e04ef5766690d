import pg from 'pg';
import { changeOf, commitOf } from './sql-change.ts';

/** The same as intercept-sqlite.ts for connections to PostgreSQL, by the same names. */
export function interceptPostgres(around: <T>(point: string, run: () => Promise<T>) => Promise<T>): void {
  const query: (...given: unknown[]) => unknown = pg.Client.prototype.query;
  const open = new WeakMap<pg.Client, Set<string>>();
  Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...given: unknown[]) {
    const run = async () => query.apply(this, given);
    const [sql] = given;
    // Only the pool itself asks in other ways.
    if (typeof sql !== 'string') return query.apply(this, given);
    if (/^(begin|start transaction)\b/.test(sql)) open.set(this, new Set());
    const changes = open.get(this);
    if (sql === 'commit' || sql === 'rollback') {
      open.delete(this);
      if (sql === 'rollback' || changes === undefined || changes.size === 0) return query.apply(this, given);
      return around(commitOf(changes), run);
    }
    const change = changeOf(sql);
    if (change === undefined) return query.apply(this, given);
    if (changes === undefined) return around(change, run);
    changes.add(change);
    return query.apply(this, given);
  });
}
