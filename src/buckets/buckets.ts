import type { Database } from '../db/database.ts';
import type { Uploads } from '../uploads/uploads.ts';
import { ObjectDigests } from './object-digests.ts';

/** What every verb on buckets and their objects works with. */
export interface Buckets {
  readonly db: Database;
  /** Where the objects' bytes are. */
  readonly uploads: Uploads;
  readonly digests: ObjectDigests;
  readonly limits: BucketLimits;
}

/** Bounds on what buckets may cost us. */
export interface BucketLimits {
  readonly maxBucketsOfFolder: number;
  /** Of one bucket, those on their way with them: a list is made of all at once. */
  readonly maxObjects: number;
}

export const defaultBucketLimits: BucketLimits = { maxBucketsOfFolder: 100, maxObjects: 1000 };

export function createBuckets(uploads: Uploads, limits: Partial<BucketLimits> = {}): Buckets {
  return { db: uploads.db, uploads, digests: new ObjectDigests(), limits: { ...defaultBucketLimits, ...limits } };
}
