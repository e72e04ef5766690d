import { randomUUID } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { repeat } from '../lib/repeat.ts';
import { beatEveryMs } from './node.ts';
import { beatNode, enterNode, leaveNode, setNbdUrl, wasRemoved } from './node-rows.ts';
import type { Role } from './role.ts';

export interface NodePresenceOptions {
  readonly db: Database;
  readonly id: string;
  readonly roles: readonly Role[];
  /** Nobody else uses the database: nobody asks whether this node is there. */
  readonly isAlone: boolean;
  /** What has to be in order before anybody counts on the node. May be done again when the start is cut off. */
  settle(facts: { readonly wasRemoved: boolean }): Promise<void>;
  /** Somebody took the node for lost and removed it, or runs another process of it: what is here may be nobody's any more. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
}

/** This process among the others, from its entry until it is disposed. */
export interface NodePresence extends AsyncDisposable {
  /** Devices can be attached here from now on. */
  announceNbd(nbdUrl: string): Promise<void>;
}

/** Lets the others know that this process is there. */
export async function openPresence(options: NodePresenceOptions): Promise<NodePresence> {
  const { db, id, roles, isAlone, settle, onLost, onError } = options;
  const startId = randomUUID();
  await settle({ wasRemoved: await wasRemoved(db.read, id) });
  await db.transact((tx) => enterNode(tx, { id, roles, startId }));
  const beat = async () => {
    if (!(await db.transact((tx) => beatNode(tx, { id, startId })))) onLost();
  };
  const beating = isAlone ? undefined : repeat({ everyMs: beatEveryMs, soonMs: beatEveryMs, run: beat, onError });
  return {
    announceNbd: (nbdUrl) => db.transact((tx) => setNbdUrl(tx, id, nbdUrl)),
    async [Symbol.asyncDispose]() {
      await beating?.[Symbol.asyncDispose]();
      if (!isAlone) await db.transact((tx) => leaveNode(tx, id)).catch(onError);
    },
  };
}
