import type { DiskUsers } from '../disks/disk-contents.ts';
import { isExpired } from './attachment.ts';
import { findOfResource } from './attachment-rows.ts';

/** A disk is in use as long as it has an attachment that may still be used. */
export const attachedDisks: DiskUsers = {
  async findUser(db, diskId) {
    const attachments = await findOfResource(db, diskId);
    return attachments.find((attachment) => !isExpired(attachment, Date.now()))?.id;
  },
};
