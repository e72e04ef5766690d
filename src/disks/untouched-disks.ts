import type { DiskContents, DiskUsers } from './disk-contents.ts';

/** What disks hold where none can be opened: nothing but their bases. */
export const untouchedContents: DiskContents = {
  async freeze() {
    return undefined;
  },
  async openFrozen({ frozenId }) {
    throw new Error(`nothing was frozen as ${frozenId}`);
  },
  async release() {},
  async discard() {},
};

/** Who has a disk open where none can be opened: nobody. */
export const noDiskUsers: DiskUsers = {
  async findUser() {
    return undefined;
  },
};
