import type { Readable } from 'node:stream';
import { appendToUpload } from '../uploads/append-to-upload.ts';
import type { Upload } from '../uploads/upload.ts';
import type { Buckets } from './buckets.ts';
import type { StoredObject } from './stored-object.ts';

export interface AppendToObject {
  /** From which byte of the file on; where the upload stands. */
  readonly offsetBytes: number;
  readonly body: Readable;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/** Adds bytes to an open object, and returns its upload when they are durable. Throws as appendToUpload. */
export async function appendToObject(
  { uploads, digests }: Buckets,
  { upload }: StoredObject,
  { offsetBytes, body, signal }: AppendToObject,
): Promise<Upload> {
  const onPiece = digests.follow(upload.id, offsetBytes) ?? (() => {});
  const part = { bodyLength: undefined, checksum: undefined, mayGrow: true, onPiece, body, signal };
  return await appendToUpload(uploads, { uploadId: upload.id, offsetBytes, ...part }, upload.createdBy);
}
