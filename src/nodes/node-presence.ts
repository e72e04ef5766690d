import type { Database } from '../db/database.ts';
import { repeat } from '../lib/repeat.ts';
import { beatEveryMs } from './node.ts';
import { beatNode, enterNode, leaveNode, setNbdUrl } from './node-rows.ts';
import type { Role } from './role.ts';

export interface NodePresenceOptions {
  readonly db: Database;
  readonly id: string;
  readonly roles: readonly Role[];
  /** Nobody else uses the database: nobody asks whether this node is there. */
  readonly isAlone: boolean;
  /** Somebody took the node for lost and removed it: what is here belongs to nobody any more. */
  readonly onRemoved: () => void;
  readonly onError: (error: unknown) => void;
}

/** This process among the others, from its entry until it is disposed. */
export interface NodePresence extends AsyncDisposable {
  /** False for a node that is new, or was removed since it last ran. */
  readonly wasKnown: boolean;
  /** Devices can be attached here from now on. */
  announceNbd(nbdUrl: string): Promise<void>;
}

/** Lets the others know that this process is there. */
export async function openPresence(options: NodePresenceOptions): Promise<NodePresence> {
  const { db, id, roles, isAlone, onRemoved, onError } = options;
  const wasKnown = await db.transact((tx) => enterNode(tx, { id, roles }));
  const beat = async () => {
    if (!(await db.transact((tx) => beatNode(tx, id)))) onRemoved();
  };
  const beating = isAlone ? undefined : repeat({ everyMs: beatEveryMs, soonMs: beatEveryMs, run: beat, onError });
  return {
    wasKnown,
    announceNbd: (nbdUrl) => db.transact((tx) => setNbdUrl(tx, id, nbdUrl)),
    async [Symbol.asyncDispose]() {
      await beating?.[Symbol.asyncDispose]();
      if (!isAlone) await db.transact((tx) => leaveNode(tx, id)).catch(onError);
    },
  };
}
