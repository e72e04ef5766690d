/** The kinds of operation on disks, as rows and doors name them. All of them are done in the request. */
export const createDiskKind = 'disk.create';
export const updateDiskKind = 'disk.update';
export const deleteDiskKind = 'disk.delete';
export const moveDiskKind = 'disk.move';
export const relocateDiskKind = 'disk.relocate';
