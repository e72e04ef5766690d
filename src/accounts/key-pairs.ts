import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { Mutex } from '../lib/mutex.ts';
import type { KeyAlgorithm } from './key.ts';

export interface KeyPair {
  /** SPKI. */
  readonly publicKeyPem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

const modulusLength: Readonly<Record<KeyAlgorithm, number>> = { RSA_2048: 2048, RSA_4096: 4096 };

/**
 * Makes RSA key pairs, one at a time. A pair takes a second and more of one of the few threads that Node has for all
 * files, too: requests for many must not take them all.
 */
export class KeyPairs {
  readonly #oneAtATime = new Mutex();

  async generate(algorithm: KeyAlgorithm): Promise<KeyPair> {
    const { publicKey, privateKey } = await this.#oneAtATime.run(() =>
      promisify(generateKeyPair)('rsa', {
        modulusLength: modulusLength[algorithm],
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      }),
    );
    return { publicKeyPem: publicKey, privateKeyPem: privateKey };
  }
}
