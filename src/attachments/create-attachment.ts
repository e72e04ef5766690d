import type { Database, Transaction } from '../db/database.ts';
import { DatabaseFailed } from '../db/database-failed.ts';
import { readDatabaseTime } from '../db/database-time.ts';
import { lockDisk } from '../disks/disk-rows.ts';
import { failedPrecondition, invalidField, notFound } from '../errors.ts';
import { lockImageSource } from '../images/image-source.ts';
import { newId } from '../lib/ids.ts';
import { findLeastAttached } from '../nodes/node-rows.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import type { ContentSource } from '../resources/content-source.ts';
import { lockSnapshotSource } from '../snapshots/snapshot-rows.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import {
  type AttachedKind,
  type Attachment,
  type AttachmentMode,
  attachedNouns,
  defaultMode,
  isExpired,
} from './attachment.ts';
import { findWriter, insertAttachment } from './attachment-rows.ts';
import { placeAttachment } from './place-attachment.ts';
import { removeAttachment } from './remove-attachment.ts';
import { hashTicket, newTicket } from './ticket.ts';

export interface CreateAttachment {
  readonly resource: Attachment['resource'];
  /** Undefined when not given. */
  readonly mode: AttachmentMode | undefined;
  /** Undefined when not given. */
  readonly ttlMs: number | undefined;
}

export interface CreatedAttachment {
  readonly attachment: Attachment;
  /** Where NBD clients find it. It has the ticket, which is given to the caller once, and kept nowhere. */
  readonly uri: string;
}

const defaultTtlMs = 10 * 60_000;
const maxTtlMs = 7 * 24 * 3_600_000;

/**
 * Gives the right to use a disk, an image or a snapshot as a block device. A disk has one writer at a time: FAILED_PRECONDITION
 * for another; RESOURCE_EXHAUSTED when the cloud has too many attachments; UNAVAILABLE when no node can serve it. The content of an image or a snapshot stays as long as the attachment, whatever becomes of its owner.
 */
export async function createAttachment(
  { db, nodeId }: { readonly db: Database; readonly nodeId: string },
  { resource, mode = defaultMode(resource.kind), ttlMs = defaultTtlMs }: CreateAttachment,
  { subjectId }: { readonly subjectId: string },
): Promise<CreatedAttachment> {
  const { kind, id: resourceId } = resource;
  if (mode === 'read-write' && kind !== 'disk') {
    throw invalidField('mode', `READ_WRITE is for disks; make a disk from the ${kind} to write`);
  }
  if (!(ttlMs >= 1000 && ttlMs <= maxTtlMs)) throw invalidField('ttl', 'is from a second to a week');
  const ticket = newTicket();
  // Outside the transaction, which would else meet every other that attaches something.
  const candidate = await findLeastAttached(db.read, nodeId);
  const { attachment, node } = await db.transact(async (tx) => {
    const now = await readDatabaseTime(tx);
    const found = await lockResource(tx, kind, resourceId);
    if (found === undefined) throw notFound(attachedNouns[kind], resourceId);
    if (found.status !== 'READY') {
      throw failedPrecondition('NOT_READY', `${attachedNouns[kind]} "${resourceId}" is ${found.status}, not READY`);
    }
    if (mode === 'read-write') await makeRoomForWriter(tx, resourceId, now);
    const node = await placeAttachment(tx, resource, { ownNodeId: nodeId, candidate });
    const made: Attachment = {
      id: newId('att'),
      folderId: found.folderId,
      resource,
      nodeId: node.id,
      mode,
      createdAt: new Date(now),
      createdBy: subjectId,
      expiresAt: new Date(now + ttlMs),
    };
    await insert(tx, made, ticket);
    await assertWithinQuotas(tx, made.folderId, { 'compute.attachments.count': 1 });
    if (found.volumeId !== undefined) await addVolumeReference(tx, made.id, found.volumeId);
    return { attachment: made, node };
  });
  return { attachment, uri: `${node.nbdUrl}${ticket}` };
}

interface Lockable {
  readonly folderId: string;
  readonly status: ContentSource['status'];
  /** What the attachment must hold by itself; a disk holds its own. */
  readonly volumeId: string | undefined;
}

async function lockResource(tx: Transaction, kind: AttachedKind, id: string): Promise<Lockable | undefined> {
  if (kind === 'disk') {
    const disk = await lockDisk(tx, id);
    return disk === undefined ? undefined : { ...disk, volumeId: undefined };
  }
  const source = await (kind === 'image' ? lockImageSource(tx, id) : lockSnapshotSource(tx, id));
  return source === undefined ? undefined : { ...source, volumeId: source.volume?.volumeId };
}

/** Takes away a writer that was not there in time. Throws when the disk has one still. */
async function makeRoomForWriter(tx: Transaction, diskId: string, now: number): Promise<void> {
  const writer = await findWriter(tx, diskId);
  if (writer === undefined) return;
  if (!isExpired(writer, now)) throw alreadyAttached(diskId, writer.id);
  await removeAttachment(tx, writer.id);
}

async function insert(tx: Transaction, attachment: Attachment, ticket: string): Promise<void> {
  try {
    await insertAttachment(tx, attachment, hashTicket(ticket));
  } catch (error) {
    const hasWriter = error instanceof DatabaseFailed && error.isConstraint && attachment.mode === 'read-write';
    throw hasWriter ? alreadyAttached(attachment.resource.id, 'another client') : error;
  }
}

function alreadyAttached(diskId: string, user: string) {
  return failedPrecondition('DISK_IN_USE', `Disk "${diskId}" already attached to "${user}"`);
}
