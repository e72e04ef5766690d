import type { S3Requests } from './s3-requests.ts';

/** What a server was found to do, over what all do. */
export interface Abilities {
  /** Keeps a CRC-32 of each object, and holds what it is sent against it. */
  readonly checksums: boolean;
  /** Never overwrites an object when told so (`If-None-Match: *`). */
  readonly conditionalWrites: boolean;
}

/** A bucket, and how it is spoken to. */
export interface Bucket {
  readonly name: string;
  /** What the keys of blobs begin with, with a slash at its end. */
  readonly blobPrefix: string;
  readonly requests: S3Requests;
  readonly abilities: Abilities;
  /** Without a byte for so long an answer is given up. */
  readonly idleMs: number;
}

/** The object that is a blob. */
export function addressOf({ name: Bucket, blobPrefix }: Bucket, blobName: string): { Bucket: string; Key: string } {
  return { Bucket, Key: `${blobPrefix}${blobName}` };
}

/** An object as its blob was sealed or first read; it never becomes another. */
export interface KnownObject {
  readonly etag: string | undefined;
  readonly sizeBytes: number;
}
