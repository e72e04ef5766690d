import type { RemoteBlobs } from '../remote-blobs.ts';
import type { StoreOwner } from '../store-owner.ts';
import type { Abilities, Bucket } from './bucket.ts';
import { createBucketOwner } from './bucket-owner.ts';
import { probeBucket } from './probe-bucket.ts';
import { S3Blobs } from './s3-blobs.ts';
import { defaultS3Limits, type OnRetry, type S3Limits, S3Requests } from './s3-requests.ts';
import { describeBucket, type S3Settings } from './s3-settings.ts';

/** At the start a person waits: what does not answer in this time is not there. */
const probeDeadlineMs = 10_000;

export interface OpenS3Options {
  readonly settings: S3Settings;
  readonly limits?: Partial<S3Limits>;
  readonly onRetry?: OnRetry;
}

export interface OpenedS3 {
  readonly blobs: RemoteBlobs;
  /** Of uploads: beside the others, which see none of them. Disposed with them. */
  readonly uploadBlobs: RemoteBlobs;
  readonly abilities: Abilities;
  readonly owner: StoreOwner;
}

/**
 * Opens the blobs of a bucket, after a look at whether it can be used.
 *
 * @throws BucketUnusable
 */
export async function openS3Blobs({ settings, limits: given = {}, onRetry }: OpenS3Options): Promise<OpenedS3> {
  const limits = { ...defaultS3Limits, ...given };
  const prefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
  const { bucket } = settings;
  const { idleMs } = limits;
  const impatient = { ...limits, deadlineMs: Math.min(limits.deadlineMs, probeDeadlineMs) };
  using probing = new S3Requests(settings, impatient, onRetry);
  const description = describeBucket(settings);
  const abilities = await probeBucket({ requests: probing, bucket, prefix, description, idleMs });
  const requests = new S3Requests(settings, limits, onRetry);
  const opened: Bucket = { name: bucket, blobPrefix: `${prefix}packs/`, requests, abilities, idleMs };
  return {
    blobs: new S3Blobs(opened),
    uploadBlobs: new S3Blobs({ ...opened, blobPrefix: `${prefix}uploads/` }),
    abilities,
    owner: createBucketOwner(opened, prefix, description),
  };
}
