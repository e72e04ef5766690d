/**
 * A file that a client sends us in its own time, in as many requests as it takes, to make an image of it afterwards. It
 * is a row, and bytes: a file of the same name in the `uploads` folder of the data directory, or pieces in a bucket
 * (upload-bytes.ts).
 *
 *   open      bytes are missing; they are taken in order, from `durableBytes` on
 *   complete  all are there; an image may be made of it
 *   in use    an operation imports it: it neither expires nor can it be deleted
 *
 * Open and complete uploads are removed when they expire. An import that succeeds removes the upload in the transaction
 * that ends it; one that fails leaves it complete, to be tried again with other options.
 *
 * An upload of a bucket (buckets/) is read by any number of operations at once, and outlives them; what its bucket lets go
 * of while some read it is removed behind the last of them.
 *
 * The row says what is durable: bytes past `durableBytes` may be kept already, and are nothing to what the client sends
 * next. It moves on only from where its writer has seen it, so that of two processes that take bytes for the same place one
 * gets them in.
 */
export interface Upload {
  readonly id: string;
  readonly folderId: string;
  /** The subject that began it, which alone may see and use it; or the bucket that it belongs to, as `ownerOfBucket` has it. */
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Of the whole file, as the client declared it; or of what was set aside for one that may grow. */
  readonly lengthBytes: number;
  /** From the file's start on: what survives a power cut, and what the client is told that we have. */
  readonly durableBytes: number;
  /** Whatever the client told of the file, in the words of its `Upload-Metadata` header. */
  readonly metadata: string;
  /** When it is removed; each byte that arrives puts it off. */
  readonly expiresAt: Date;
  /** The operation that imports it now; undefined for one of a bucket. */
  readonly operationId: string | undefined;
  /** Its length is only what was set aside so far: it is whole when somebody says so. */
  readonly grows: boolean;
}

/** What upload ids begin with. */
export const uploadIdPrefix = 'upl';

export function isComplete({ durableBytes, lengthBytes, grows }: Upload): boolean {
  return durableBytes === lengthBytes && !grows;
}

const bucketOwner = 'bucket/';

/** Whom the uploads of a bucket belong to: no subject, whose ids have no slash. */
export function ownerOfBucket(bucket: string): string {
  return bucketOwner + bucket;
}

export function isOfBucket({ createdBy }: Pick<Upload, 'createdBy'>): boolean {
  return createdBy.startsWith(bucketOwner);
}
