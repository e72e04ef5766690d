import type { Database } from '../db/database.ts';
import { countDisksByNode } from '../disks/disk-rows.ts';
import type { Node } from '../nodes/node.ts';
import { listNodeRows } from '../nodes/node-rows.ts';
import { countAttachmentsByNode } from './attachment-rows.ts';

/** A node, and what only it has. */
export interface NodeWithDevices extends Node {
  /** Disks that something was written to. */
  readonly diskCount: number;
  readonly attachmentCount: number;
}

/** All processes of the installation that are known: those that run, and those that may come back. */
export async function listNodes({
  db,
  nodeId: own,
}: {
  readonly db: Database;
  readonly nodeId: string;
}): Promise<readonly NodeWithDevices[]> {
  const [nodes, disks, attachments] = await Promise.all([
    listNodeRows(db.read),
    countDisksByNode(db.read),
    countAttachmentsByNode(db.read),
  ]);
  return nodes.map((node) => ({
    ...node,
    isThere: node.isThere || node.id === own,
    diskCount: disks.get(node.id) ?? 0,
    attachmentCount: attachments.get(node.id) ?? 0,
  }));
}
