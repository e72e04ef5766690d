import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '../../lib/crc32c.ts';
import { Crc64Nvme } from '../../lib/crc64-nvme.ts';
import { s3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

/** Clients name checksums in headers or in a trailer: `x-amz-checksum-` and one of these. */
const sums: Readonly<Record<string, () => RunningSum>> = {
  crc32: () => crcSum(crc32),
  crc32c: () => crcSum(crc32c),
  crc64nvme: () => new Crc64Nvme(),
  sha1: () => createHash('sha1'),
  sha256: () => createHash('sha256'),
};

interface RunningSum {
  update(bytes: Uint8Array): unknown;
  digest(): Buffer;
}

function crcSum(sumOf: (bytes: Uint8Array, before: number) => number): RunningSum {
  let sum = 0;
  return {
    update(bytes) {
      sum = sumOf(bytes, sum);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(sum);
      return bytes;
    },
  };
}

const prefix = 'x-amz-checksum-';
/** What is said about the checksums, and is none. */
const about: ReadonlySet<string> = new Set([`${prefix}algorithm`, `${prefix}type`, `${prefix}mode`]);

/** What a body is said to be, held against what came. */
export class BodyChecks {
  readonly #sums = new Map<string, RunningSum>();
  /** In base64, by algorithm: told before the body, or behind it. */
  readonly #told = new Map<string, string>();
  readonly #bodyHash: string | undefined;

  /** @param bodyHash the SHA-256 that was signed, in hexadecimal digits; undefined when none was */
  constructor({ headers }: Pick<S3Request, 'headers'>, bodyHash: string | undefined) {
    this.#bodyHash = bodyHash;
    for (const [name, [value = '']] of headers) {
      if (!name.startsWith(prefix) || about.has(name)) continue;
      this.#begin(name);
      this.#told.set(name, value.trim());
    }
    for (const name of (headers.get('x-amz-trailer') ?? []).flatMap((value) => value.toLowerCase().split(','))) {
      if (name.trim().startsWith(prefix)) this.#begin(name.trim());
    }
    if (bodyHash !== undefined) this.#begin(`${prefix}sha256`);
  }

  get areAny(): boolean {
    return this.#sums.size > 0;
  }

  add(piece: Uint8Array): void {
    for (const sum of this.#sums.values()) sum.update(piece);
  }

  /** What came behind the body. One that was not announced is not known to be true. */
  addTrailer(trailer: ReadonlyMap<string, string>): void {
    for (const [name, value] of trailer) if (this.#sums.has(name)) this.#told.set(name, value);
  }

  /** To be called once, when the body is whole. Throws when it is another than it was said to be. */
  finish(): void {
    for (const [name, sum] of this.#sums) {
      const digest = sum.digest();
      if (name === `${prefix}sha256` && this.#bodyHash !== undefined && digest.toString('hex') !== this.#bodyHash) {
        const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        throw s3Error('XAmzContentSHA256Mismatch', message);
      }
      const told = this.#told.get(name);
      if (told === undefined && (name !== `${prefix}sha256` || this.#bodyHash === undefined)) {
        throw s3Error('InvalidRequest', `The trailer ${name} that was announced did not come.`);
      }
      if (told !== undefined && told !== digest.toString('base64')) {
        throw s3Error('BadDigest', `The ${name} you specified did not match what we received.`);
      }
    }
  }

  #begin(name: string): void {
    if (this.#sums.has(name)) return;
    const create = sums[name.slice(prefix.length)];
    if (create === undefined) throw s3Error('NotImplemented', `The checksum ${name} is not known here.`);
    this.#sums.set(name, create());
  }
}
