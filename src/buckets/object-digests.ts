import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '../lib/crc32c.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { Upload } from '../uploads/upload.ts';
import type { UploadBytes } from '../uploads/upload-bytes.ts';

/** What clients hold an object against, both in base64. */
export interface Digests {
  readonly md5: string;
  /** Its four bytes big-endian, as clients have it. */
  readonly crc32c: string;
}

/** Hashed at once when a file is read again: about 2 ms. */
const pieceBytes = 1024 * 1024;
const maxRemembered = 256;

/** The digests of a file's beginning. */
class RunningDigests {
  readonly #md5: Hash = createHash('md5');
  #crc32c = 0;
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  add(piece: Uint8Array): void {
    this.#md5.update(piece);
    this.#crc32c = crc32c(piece, this.#crc32c);
    this.#lengthBytes += piece.length;
  }

  /** To be asked for once. */
  finish(): Digests {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(this.#crc32c);
    return { md5: this.#md5.digest('base64'), crc32c: sum.toString('base64') };
  }
}

/**
 * Sums of uploads, kept while their bytes arrive so that most files need not be read again at their end. One that is not
 * remembered, after a restart or because others were newer, is.
 */
export class ObjectDigests {
  readonly #running = new LruMap<string, RunningDigests>(maxRemembered);

  /** What is to be told of the upload's bytes from `offsetBytes` on; undefined when those before were not seen. */
  follow(uploadId: string, offsetBytes: number): ((piece: Uint8Array) => void) | undefined {
    if (offsetBytes === 0) this.#running.set(uploadId, new RunningDigests());
    const running = this.#running.get(uploadId);
    if (running?.lengthBytes !== offsetBytes) {
      // It may be as long as the file some time later, and of other bytes.
      this.#running.delete(uploadId);
      return undefined;
    }
    return (piece) => running.add(piece);
  }

  /** Of the upload's durable bytes. */
  async finish(upload: Upload, kept: UploadBytes): Promise<Digests> {
    const running = this.#running.get(upload.id);
    this.#running.delete(upload.id);
    if (running?.lengthBytes === upload.durableBytes) return running.finish();
    return (await readAgain(upload, kept)).finish();
  }

  forget(uploadId: string): void {
    this.#running.delete(uploadId);
  }
}

async function readAgain(upload: Upload, kept: UploadBytes): Promise<RunningDigests> {
  const digests = new RunningDigests();
  if (upload.durableBytes === 0) return digests;
  await using bytes = await kept.open(upload);
  for (let at = 0; at < bytes.sizeBytes; at += pieceBytes) {
    digests.add(await bytes.read(at, Math.min(pieceBytes, bytes.sizeBytes - at)));
  }
  return digests;
}
