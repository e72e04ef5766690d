import { mkdir, statfs } from 'node:fs/promises';
import type { BlobStore } from './blob-store.ts';
import { BlockCache } from './cache/block-cache.ts';
import { CachedBlobs, type CacheFigures } from './cache/cached-blobs.ts';
import { openLocalBlobs } from './local.ts';
import type { S3Settings } from './s3/s3-settings.ts';
import type { StoreOwner } from './store-owner.ts';

export interface OpenedBlobs extends AsyncDisposable {
  readonly blobs: BlobStore;
  /** In the S3 bucket, for pieces of uploads; undefined without one. Disposed with the others. */
  readonly uploadBlobs: BlobStore | undefined;
  /** Undefined for a directory that nobody else has. */
  readonly owner: StoreOwner | undefined;
  /** Of the copies on this machine; undefined where there are none. */
  readonly cacheFigures?: () => CacheFigures;
}

export interface OpenBlobsOptions {
  /** Where blobs are kept without an S3 bucket. */
  readonly directory: string;
  readonly s3: S3Settings | undefined;
  /** Where copies of what was read from the S3 bucket are kept, and how many bytes of them; 0 for none. */
  readonly cache: { readonly directory: string; readonly limitBytes: number | undefined };
  /** A request to the S3 server failed, and is repeated. */
  readonly onRetry?: (reason: string, attempt: number, waitMs: number) => void;
  /** The cache's disk failed. */
  readonly onCacheError?: (error: unknown) => void;
}

/** Without a limit, what the cache may take of its file system. */
const usualShare = 0.1;

/**
 * Opens the blobs that a service works with.
 *
 * @throws BucketUnusable
 */
export async function openBlobs(options: OpenBlobsOptions): Promise<OpenedBlobs> {
  const { directory, s3, cache, onRetry, onCacheError = () => {} } = options;
  if (s3 === undefined) {
    const blobs = await openLocalBlobs(directory);
    return {
      blobs,
      uploadBlobs: undefined,
      owner: undefined,
      [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
    };
  }
  await using opening = new AsyncDisposableStack();
  // Only here: what speaks S3 takes 150 ms to load.
  const { openS3Blobs } = await import('./s3/open-s3-blobs.ts');
  const remote = await openS3Blobs({ settings: s3, ...(onRetry === undefined ? {} : { onRetry }) });
  opening.use(remote.blobs);
  const limitBytes = cache.limitBytes ?? (await usualLimit(cache.directory));
  const blocks = await BlockCache.open({ directory: cache.directory, limitBytes, onError: onCacheError });
  if (limitBytes === 0) {
    // Nothing is fetched then but what is asked for. That it was opened has given back what an earlier one took.
    await blocks[Symbol.asyncDispose]();
    opening.move();
    return { ...remote, [Symbol.asyncDispose]: () => remote.blobs[Symbol.asyncDispose]() };
  }
  const blobs = new CachedBlobs(remote.blobs, blocks);
  opening.move();
  return {
    blobs,
    uploadBlobs: remote.uploadBlobs,
    owner: remote.owner,
    cacheFigures: () => blobs.figures(),
    [Symbol.asyncDispose]: () => blobs[Symbol.asyncDispose](),
  };
}

async function usualLimit(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { blocks, bsize } = await statfs(directory);
  return Math.floor(blocks * bsize * usualShare);
}
