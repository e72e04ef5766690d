/** Where an image, a disk or a snapshot is in its life. */
export const resourceStatuses = ['CREATING', 'READY', 'ERROR', 'DELETING'] as const;
export type ResourceStatus = (typeof resourceStatuses)[number];
