import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { LruMap } from '../lib/lru-map.ts';
import type { VerifiedClaims } from './token-claims.ts';

/** What tokens are signed and checked with: Ed25519. Who has it can be anyone, so it stays in its file. */
export interface TokenKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Claims of tokens whose signature was found good: checking it again costs more than the rest of a call. */
  readonly verified: LruMap<string, VerifiedClaims>;
}

const verifiedKept = 1_000;

/** A new key as PEM (PKCS #8), to be written to a file that its owner alone can read. Old tokens die with the old key. */
export function createTokenKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Throws when the text is not an Ed25519 private key in PEM. */
export function readTokenKey(pem: string): TokenKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('the token key is not an Ed25519 key');
  return { privateKey, publicKey: createPublicKey(privateKey), verified: new LruMap(verifiedKept) };
}
