import { setTimeout as delay } from 'node:timers/promises';
import { type ChangeNotices, noNotices } from '../db/change-notices.ts';
import type { Database, Transaction } from '../db/database.ts';
import { ServiceError, unavailable } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { type JsonValue, parseJson } from '../lib/json.ts';
import { readStoredError } from '../operations/stored-error.ts';
import { deleteCall, findCall, insertCall, moveCall } from './call-rows.ts';
import { findNode } from './node-rows.ts';

/** What another node did. It has to be ended: by `take`, which keeps it, or by `giveBack`, which undoes it. */
export interface NodeAnswer {
  readonly value: JsonValue;
  /** In the transaction that relies on the answer. Throws UNAVAILABLE when the node has undone it, having waited too long. */
  take(tx: Transaction): Promise<void>;
  /** Nobody wants it: the node undoes what it did, soon. */
  giveBack(): Promise<void>;
}

/**
 * Asks other nodes. Throws what the node's own function throws, and UNAVAILABLE when the node is not there, or says nothing in
 * time: then it undoes what it may have done.
 */
export interface NodeCalls {
  ask(nodeId: string, method: string, input: JsonValue): Promise<JsonValue>;
  /** The same of what can be undone. */
  askForNow(nodeId: string, method: string, input: JsonValue): Promise<NodeAnswer>;
}

export interface NodeCallsOptions {
  readonly db: Database;
  /** Of answers; without them they are looked for. */
  readonly notices?: Pick<ChangeNotices, 'subscribe'>;
  readonly timeoutMs?: number;
}

const usualTimeoutMs = 10_000;
const firstPauseMs = 2;
const longestPauseMs = 100;

/**
 * Calls by rows of the database, which all nodes have in common: so they need to know nothing of each other's addresses,
 * certificates and networks. A row is moved on in transactions alone; whoever ends it first decides whether the answer counts.
 */
export function createNodeCalls({ db, notices = noNotices, timeoutMs = usualTimeoutMs }: NodeCallsOptions): NodeCalls {
  async function assertThere(nodeId: string): Promise<void> {
    const node = await findNode(db.read, nodeId);
    if (node?.isThere === true) {
      if (node.roles.includes('block')) return;
      throw unavailable(`Node "${nodeId}" has disks and runs without them: start it with --role block`);
    }
    const since = node === undefined || node.seenAt.getTime() === 0 ? '' : ` since ${node.seenAt.toISOString()}`;
    throw unavailable(
      `Node "${nodeId}" is not running${since}, and what this needs is there. Start it; if it is lost: obraz node remove ${nodeId}`,
    );
  }

  async function wait(id: string, nodeId: string): Promise<NodeAnswer> {
    const until = performance.now() + timeoutMs;
    let answered = Promise.withResolvers<void>();
    using _listening = notices.subscribe('node_answer', (subject = id) => {
      if (subject !== id) return;
      answered.resolve();
      answered = Promise.withResolvers();
    });
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const woken = answered.promise;
      const call = await findCall(db.read, id);
      if (call === undefined) throw unavailable(`Node "${nodeId}" was started anew; try again`);
      if (call.state === 'failed') {
        await db.transact((tx) => deleteCall(tx, id, 'failed'));
        const { quota, ...error } = readStoredError(call.answer ?? '');
        throw new ServiceError({ ...error, ...(quota === undefined ? {} : { quota }) });
      }
      if (call.state === 'answered') return answerOf(id, nodeId, parseJson(call.answer ?? 'null'));
      if (performance.now() > until && (await db.transact((tx) => deleteCall(tx, id, 'asked')))) {
        throw unavailable(`Node "${nodeId}" did not answer within ${timeoutMs / 1000} s; try again`);
      }
      await Promise.race([delay(pauseMs), woken]);
    }
  }

  function answerOf(id: string, nodeId: string, value: JsonValue): NodeAnswer {
    return {
      value,
      async take(tx) {
        if (await deleteCall(tx, id, 'answered')) return;
        throw unavailable(`Node "${nodeId}" has given up what it was asked for; try again`);
      },
      async giveBack() {
        await db.transact((tx) => moveCall(tx, id, { from: 'answered', to: 'unwanted' }));
      },
    };
  }

  async function askForNow(nodeId: string, method: string, input: JsonValue): Promise<NodeAnswer> {
    await assertThere(nodeId);
    const id = newId('cal');
    await db.transact((tx) => insertCall(tx, { id, nodeId, method, input }));
    return wait(id, nodeId);
  }

  return {
    askForNow,
    async ask(nodeId, method, input) {
      const answer = await askForNow(nodeId, method, input);
      await db.transact((tx) => answer.take(tx));
      return answer.value;
    },
  };
}
