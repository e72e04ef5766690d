import type { BlobStore } from './blob-store.ts';
import { openLocalBlobs } from './local.ts';
import type { S3Settings } from './s3/s3-settings.ts';

/** The id of the installation that a store belongs to, kept beside its blobs where others could reach them, too. */
export interface StoreOwner {
  /** For messages. */
  readonly description: string;
  read(): Promise<string | undefined>;
  /** Says whose the store is from now on; only for one that is nobody's. */
  write(installationId: string): Promise<void>;
}

export interface OpenedBlobs extends AsyncDisposable {
  readonly blobs: BlobStore;
  /** Undefined for a directory that nobody else has. */
  readonly owner: StoreOwner | undefined;
}

export interface OpenBlobsOptions {
  /** Where blobs are kept without a bucket. */
  readonly directory: string;
  readonly bucket: S3Settings | undefined;
  /** A request to the bucket's server failed, and is repeated. */
  readonly onRetry?: (error: unknown, attempt: number, waitMs: number) => void;
}

/**
 * Opens the blobs that a service works with.
 *
 * @throws BucketUnusable
 */
export async function openBlobs({ directory, bucket, onRetry }: OpenBlobsOptions): Promise<OpenedBlobs> {
  if (bucket === undefined) {
    const blobs = await openLocalBlobs(directory);
    return { blobs, owner: undefined, [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose]() };
  }
  // Only here: what speaks S3 takes 150 ms to load.
  const { openS3Blobs } = await import('./s3/open-s3-blobs.ts');
  const { blobs, owner } = await openS3Blobs({ settings: bucket, ...(onRetry === undefined ? {} : { onRetry }) });
  return { blobs, owner, [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose]() };
}
