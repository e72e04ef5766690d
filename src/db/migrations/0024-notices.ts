import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { createNoticeFunction, createNoticeTrigger, type NoticeTrigger } from './notice-trigger.ts';

const databaseTime = 'extract(epoch from clock_timestamp()) * 1000';

const triggers: readonly Omit<NoticeTrigger, 'table'>[] = [
  {
    name: 'operations_told_new',
    event: 'insert',
    when: `new.state = 'pending'`,
    topic: 'operation_due',
    subject: 'kind',
  },
  // One that is tried again later is found by the clock.
  {
    name: 'operations_told_given_back',
    event: 'update',
    when: `new.state = 'pending' and old.state <> 'pending' and new.run_after <= ${databaseTime}`,
    topic: 'operation_due',
    subject: 'kind',
  },
  // Cancelled, or taken over.
  {
    name: 'operations_told_lost',
    event: 'update',
    when: `old.state = 'running' and new.lease_epoch <> old.lease_epoch`,
    topic: 'operation_lost',
    subject: 'id',
  },
  {
    name: 'operations_told_done',
    event: 'update',
    when: `new.state = 'done' and old.state <> 'done'`,
    topic: 'operation_done',
    subject: 'id',
  },
];

/** Processes tell each other what becomes of operations; with SQLite there is only one of them. */
export async function createNotices<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  if (dialect === 'sqlite') return;
  await createNoticeFunction(db);
  for (const trigger of triggers) await createNoticeTrigger(db, { ...trigger, table: 'operations' });
}
