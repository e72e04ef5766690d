import { type Kysely, sql } from 'kysely';

/** Which changes of a table others are told of (db/change-notices.ts), and what they are told. */
export interface NoticeTrigger {
  /** Unlike any other trigger's. */
  readonly name: string;
  readonly table: string;
  readonly event: 'insert' | 'update' | 'delete';
  /** Of the row, as `old` and `new` in SQL: whatever is not told of costs next to nothing. */
  readonly when?: string;
  readonly topic: string;
  /** The column that says what has changed: an id, or a name of ours. Never what a client may choose. */
  readonly subject: string;
}

/**
 * Has PostgreSQL tell everybody who listens of each such change, when it is committed. The topic is as good as any:
 * who listens knows those that it subscribed to.
 */
export async function createNoticeTrigger<S>(db: Kysely<S>, trigger: NoticeTrigger): Promise<void> {
  const { name, table, event, when = 'true', topic, subject } = trigger;
  await sql
    .raw(`create trigger ${name} after ${event} on ${table} for each row when (${when})
      execute function tell_change('${topic}', '${subject}')`)
    .execute(db);
}

/** What such triggers run. A payload has at most 8,000 bytes, and a subject that is cut off is nobody's. */
export async function createNoticeFunction<S>(db: Kysely<S>): Promise<void> {
  await sql
    .raw(`create function tell_change() returns trigger language plpgsql as $$
      declare subject text;
      begin
        execute format('select ($1).%I', tg_argv[1]) into subject using coalesce(new, old);
        perform pg_notify('obraz', tg_argv[0] || ' ' || left(subject, 1000));
        return null;
      end $$`)
    .execute(db);
}
