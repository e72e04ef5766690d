/** What can be used as a block device. */
export type AttachedKind = 'disk' | 'image' | 'snapshot';
export type AttachmentMode = 'read-only' | 'read-write';

/** The right to use a disk, an image or a snapshot as a block device. */
export interface Attachment {
  readonly id: string;
  readonly folderId: string;
  readonly resource: { readonly kind: AttachedKind; readonly id: string };
  /** The node whose clients may use it. */
  readonly nodeId: string;
  readonly mode: AttachmentMode;
  readonly createdAt: Date;
  /** The subject that asked for it. */
  readonly createdBy: string;
  /** Until when it must be used for the first time; undefined once it was. It then lasts until it is deleted. */
  readonly expiresAt: Date | undefined;
}

/** As messages call it. */
export const attachedNouns = { disk: 'Disk', image: 'Image', snapshot: 'Snapshot' } as const;

/** What is meant where no mode is said: a disk is written, all else is read. */
export function defaultMode(kind: AttachedKind): AttachmentMode {
  return kind === 'disk' ? 'read-write' : 'read-only';
}

/** Not used in time: as good as deleted. */
export function isExpired({ expiresAt }: Attachment, now: number): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= now;
}
