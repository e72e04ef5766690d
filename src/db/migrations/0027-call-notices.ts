import type { Kysely } from 'kysely';
import type { DialectName } from '../database.ts';
import { createNoticeTrigger, type NoticeTrigger } from './notice-trigger.ts';

const triggers: readonly Omit<NoticeTrigger, 'table'>[] = [
  { name: 'node_calls_told_asked', event: 'insert', when: 'true', topic: 'node_call', subject: 'node_id' },
  {
    name: 'node_calls_told_unwanted',
    event: 'update',
    when: `new.state = 'unwanted'`,
    topic: 'node_call',
    subject: 'node_id',
  },
  {
    name: 'node_calls_told_answered',
    event: 'update',
    when: `new.state in ('answered', 'failed')`,
    topic: 'node_answer',
    subject: 'id',
  },
];

/** Nodes are told of calls, and of answers to their own. */
export async function createCallNotices<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  if (dialect === 'sqlite') return;
  for (const trigger of triggers) await createNoticeTrigger(db, { ...trigger, table: 'node_calls' });
}
