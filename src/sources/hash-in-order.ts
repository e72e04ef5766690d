import { createHash } from 'node:crypto';

/** Bytes hashed at a time: 2 ms of the main thread. */
const pieceBytes = 2 * 1024 * 1024;

/**
 * What publishers give digests of their files in. SHA-1 is for compatibility alone: it finds damage, but whoever made the
 * file may have made two with one SHA-1.
 */
export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha512';

/** The digest of `sizeBytes` bytes that `read` gives from front to back, in hexadecimal digits. */
export async function hashInOrder(
  algorithm: DigestAlgorithm,
  sizeBytes: number,
  read: (target: Uint8Array, offset: number) => Promise<void>,
): Promise<string> {
  const hash = createHash(algorithm);
  const piece = new Uint8Array(pieceBytes);
  for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
    const target = piece.subarray(0, Math.min(pieceBytes, sizeBytes - offset));
    await read(target, offset);
    hash.update(target);
  }
  return hash.digest('hex');
}
