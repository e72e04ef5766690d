import type { Database } from '../db/database.ts';
import { abandonDisksOf } from '../disks/disk-rows.ts';
import { failedPrecondition, notFound } from '../errors.ts';
import { deleteCallsOf } from '../nodes/call-rows.ts';
import { findNode, markNodeRemoved } from '../nodes/node-rows.ts';
import { freeOperationsOf } from '../operations/operation-rows.ts';
import { findAttachmentsAt } from './attachment-rows.ts';
import { removeAttachment } from './remove-attachment.ts';

export interface RemovedNode {
  /** Disks that have lost what was written to them since their last snapshot or image that was stored. */
  readonly diskIds: readonly string[];
  readonly attachmentCount: number;
}

/**
 * Gives a node up for lost, and with it what only that node had: its attachments end, and its disks hold what they held when
 * a snapshot or an image of them was last stored, or what they were made from. Operations that were to store what was frozen
 * there fail. Should the node still run, cut off from the database, it ends all its connections as soon as it learns of it.
 *
 * Throws NOT_FOUND, and FAILED_PRECONDITION for a node that is running.
 */
export async function removeNode(
  { db, nodeId: own }: { readonly db: Database; readonly nodeId: string },
  { nodeId }: { readonly nodeId: string },
): Promise<RemovedNode> {
  return await db.transact(async (tx) => {
    const node = await findNode(tx, nodeId);
    if (node?.isThere === true || nodeId === own)
      throw failedPrecondition('NODE_RUNNING', `Node "${nodeId}" is running; stop it first`);
    const attachmentIds = await findAttachmentsAt(tx, nodeId);
    for (const id of attachmentIds) await removeAttachment(tx, id);
    const diskIds = await abandonDisksOf(tx, nodeId);
    if (node === undefined && diskIds.length === 0 && attachmentIds.length === 0) throw notFound('Node', nodeId);
    await freeOperationsOf(tx, nodeId);
    await deleteCallsOf(tx, nodeId);
    await markNodeRemoved(tx, nodeId);
    return { diskIds, attachmentCount: attachmentIds.length };
  });
}
