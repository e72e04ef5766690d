import type { Transaction } from '../db/database.ts';
import { findDiskPlace, placeDisk } from '../disks/disk-rows.ts';
import { unavailable } from '../errors.ts';
import type { Node } from '../nodes/node.ts';
import { findNode } from '../nodes/node-rows.ts';
import type { Attachment } from './attachment.ts';
import { isAttached } from './attachment-rows.ts';

/**
 * The node where clients are to use this. A disk is where its overlay is, or where it is attached; one that is nowhere yet gets its place here. What is
 * only read can be read anywhere. Of the node that asks it is known that it is there; `candidate` was found to be the best for
 * what has no place yet. Throws UNAVAILABLE when the node is not there, or when there is none.
 */
export async function placeAttachment(
  tx: Transaction,
  { kind, id }: Attachment['resource'],
  { ownNodeId, candidate }: { readonly ownNodeId: string; readonly candidate: Node | undefined },
): Promise<Node> {
  const place = kind === 'disk' ? await findDiskPlace(tx, id) : undefined;
  if (place !== undefined && place.nodeId !== '') {
    const node = await findNode(tx, place.nodeId);
    if (node !== undefined && (node.isThere || node.id === ownNodeId)) return node;
    // Whoever has the address of that node would find the disk there, too, and not know of what is written elsewhere.
    if (place.hasOverlay || (await isAttached(tx, id))) {
      throw unavailable(
        `Disk "${id}" is at node "${place.nodeId}", which is not running. Start it; if it is lost: obraz node remove ${place.nodeId}`,
      );
    }
  }
  const node = candidate === undefined ? undefined : await findNode(tx, candidate.id);
  if (node === undefined) throw unavailable('No node with disks is running: start one with --role block');
  if (kind === 'disk') await placeDisk(tx, id, node.id);
  return node;
}
