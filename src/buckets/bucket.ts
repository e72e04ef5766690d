import { isAnyBucketName } from '../lib/object-name.ts';

/**
 * A folder's place for named files: what clients of an object store put there can be made an image of. A bucket's name is
 * the installation's only one of that name; an object's its bucket's.
 */
export interface Bucket {
  readonly name: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** As its maker said it; nothing follows from it here. */
  readonly location: string;
  /** Likewise. */
  readonly storageClass: string;
}

/** Whether a bucket here can have this name: as buckets anywhere, but for those that the public service keeps for itself. */
export function isBucketName(text: string): boolean {
  return isAnyBucketName(text) && !text.startsWith('goog') && !text.includes('google');
}
