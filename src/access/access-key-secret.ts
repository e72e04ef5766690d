import { hkdfSync } from 'node:crypto';
import type { TokenKey } from './token-key.ts';

/** 30 bytes are 40 characters of base64, which is how long secrets of S3 are. */
const secretBytes = 30;

/**
 * The secret of the access key that clients call `keyId`. It is kept nowhere: it follows from the key that tokens are signed
 * with (HKDF with SHA-256, RFC 5869), so that no table, backup or log has what requests could be signed with, and every
 * process that checks tokens can check signatures.
 */
export function accessKeySecret({ privateKey }: Pick<TokenKey, 'privateKey'>, keyId: string): string {
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', seed, '', `obraz access key ${keyId}`, secretBytes)).toString('base64url');
}
