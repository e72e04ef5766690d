import type { DiskUsers } from '../disks/disk-contents.ts';
import { findUsable } from './attachment-rows.ts';

/** A disk is in use as long as it has an attachment that may still be used. */
export const attachedDisks: DiskUsers = {
  async findUser(db, diskId) {
    return (await findUsable(db, diskId))?.id;
  },
};
