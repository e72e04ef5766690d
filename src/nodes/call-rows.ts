import { sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import type { NodeCallsTable } from '../db/schema.ts';
import type { JsonValue } from '../lib/json.ts';

/** What a call has come to, for who asked. */
export type CallState = Pick<NodeCallsTable, 'state' | 'answer'>;

/** A call, for who is to do something about it. */
export type WaitingCall = Pick<NodeCallsTable, 'id' | 'method' | 'input' | 'state' | 'answer'>;

export async function insertCall(
  tx: Transaction,
  call: { readonly id: string; readonly nodeId: string; readonly method: string; readonly input: JsonValue },
): Promise<void> {
  await tx
    .insertInto('node_calls')
    .values({
      id: call.id,
      node_id: call.nodeId,
      method: call.method,
      input: JSON.stringify(call.input),
      state: 'asked',
      answer: null,
      created_at: databaseTime(tx),
    })
    .execute();
}

export async function findCall(db: Queryable, id: string): Promise<CallState | undefined> {
  return db.selectFrom('node_calls').select(['state', 'answer']).where('id', '=', id).executeTakeFirst();
}

/** Those that the node is to answer, and those whose answers nobody wants; oldest first. */
export async function findWaitingCalls(
  db: Queryable,
  { nodeId, except, limit }: { readonly nodeId: string; readonly except: readonly string[]; readonly limit: number },
): Promise<WaitingCall[]> {
  return db
    .selectFrom('node_calls')
    .select(['id', 'method', 'input', 'state', 'answer'])
    .where('node_id', '=', nodeId)
    .where('state', 'in', ['asked', 'unwanted'])
    .$if(except.length > 0, (calls) => calls.where('id', 'not in', except))
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Changes the state of a call that is in another one; says whether it was. */
export async function moveCall(
  tx: Transaction,
  id: string,
  {
    from,
    to,
    answer,
  }: { readonly from: CallState['state']; readonly to: CallState['state']; readonly answer?: string },
): Promise<boolean> {
  const moved = tx
    .updateTable('node_calls')
    .set({ state: to, ...(answer === undefined ? {} : { answer }) })
    .where('id', '=', id)
    .where('state', '=', from)
    .returning('id');
  return (await moved.executeTakeFirst()) !== undefined;
}

/** Says whether the call was there, and in this state. */
export async function deleteCall(tx: Transaction, id: string, state: CallState['state']): Promise<boolean> {
  const deleted = tx.deleteFrom('node_calls').where('id', '=', id).where('state', '=', state).returning('id');
  return (await deleted.executeTakeFirst()) !== undefined;
}

export async function deleteCallsOf(tx: Transaction, nodeId: string): Promise<void> {
  await tx.deleteFrom('node_calls').where('node_id', '=', nodeId).execute();
}

/** What nobody has looked at for so long: who asked is gone, and so is who was asked. */
export async function deleteOldCalls(tx: Transaction, oldMs: number): Promise<void> {
  await tx
    .deleteFrom('node_calls')
    .where('created_at', '<', sql<number>`${databaseTime(tx)} - ${oldMs}`)
    .execute();
}
