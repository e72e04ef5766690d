import { randomBytes } from 'node:crypto';
import { isId } from '../../lib/ids.ts';

/**
 * A run of an upload's bytes in a blob of its own, which never changes. Together the pieces of an upload are its first
 * `durableBytes`, without a gap and without an overlap; the row of a piece and the step of `durableBytes` over it are one
 * transaction, behind the moment when its blob was seen to be there.
 *
 * No piece crosses a multiple of `slotBytes`. Within such a slot a small piece is taken into the next one, which then has
 * its place (piece-appender.ts): one that is followed by another is at least twice as long.
 */
export interface Piece {
  readonly blobName: string;
  /** Its first byte, counted from the upload's. */
  readonly start: number;
  readonly sizeBytes: number;
  /** CRC-32 of each unit of it, four bytes each, little endian; the last unit may be shorter than `unitBytes`. */
  readonly sums: Uint8Array;
}

/** The longest piece. An S3 store sends so much in one request, and it is what a writer of it has memory for. */
export const slotBytes = 8 * 1024 * 1024;

/** What is checked together, and so the least that is fetched. Of a slot that makes 128 bytes of sums. */
export const unitBytes = 256 * 1024;

const idLength = 20;

/** A name that no other process chooses, for a piece of this upload. Random from its first letter on, as packs' are. */
export function newPieceName(uploadId: string): string {
  if (!isId(uploadId)) throw new Error(`not an upload's id: ${uploadId}`);
  return randomBytes(12).toString('hex') + uploadId;
}

/** The upload that the blob is of; undefined when its name is none of ours. */
export function uploadIdOfPiece(blobName: string): string | undefined {
  const id = blobName.slice(-idLength);
  return /^[0-9a-f]{24}[a-z0-9]{20}$/.test(blobName) && isId(id) ? id : undefined;
}
