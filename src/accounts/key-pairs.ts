import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { resourceExhausted } from '../errors.ts';
import { Mutex } from '../lib/mutex.ts';
import type { KeyAlgorithm } from './key.ts';

export interface KeyPair {
  /** SPKI. */
  readonly publicKeyPem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

const modulusLength: Readonly<Record<KeyAlgorithm, number>> = { RSA_2048: 2048, RSA_4096: 4096 };

/** Waiting for its key pair: more than anybody rotates at once. */
const waitingPerCloud = 20;

/**
 * Makes RSA key pairs, one at a time. A pair takes a second and more of one of the few threads that Node has for all
 * files, too: requests for many must not take them all. Each cloud has one place in the queue, so that one that wants many
 * holds up the next cloud's by one.
 */
export class KeyPairs {
  readonly #oneAtATime = new Mutex();
  readonly #clouds = new Map<string, { readonly turns: Mutex; waiting: number }>();

  /** Throws RESOURCE_EXHAUSTED when too many are wanted for the cloud. */
  async generate(algorithm: KeyAlgorithm, cloudId: string): Promise<KeyPair> {
    const cloud = this.#clouds.get(cloudId) ?? { turns: new Mutex(), waiting: 0 };
    if (cloud.waiting >= waitingPerCloud) {
      throw resourceExhausted('TOO_MANY_KEYS_AT_ONCE', 'Too many keys are being made in this cloud: try again later');
    }
    this.#clouds.set(cloudId, cloud);
    cloud.waiting += 1;
    try {
      return await cloud.turns.run(() => this.#oneAtATime.run(() => makePair(algorithm)));
    } finally {
      cloud.waiting -= 1;
      if (cloud.waiting === 0) this.#clouds.delete(cloudId);
    }
  }
}

async function makePair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: modulusLength[algorithm],
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKeyPem: publicKey, privateKeyPem: privateKey };
}
