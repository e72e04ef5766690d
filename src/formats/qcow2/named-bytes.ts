import { ImageRefused } from '../image-refused.ts';

/**
 * How many guest bytes the tables may name for each byte of the file.
 *
 * Sharing clusters is legal, but without a limit a file of 1 MiB makes 4 TiB of work. The limits are what each encoding
 * can reach without any sharing, so that no file is refused for being easy to compress: deflate ends at 1032:1, zstd at
 * 128 KiB from a block of 4 bytes. Plain clusters, 1:1 without sharing, get 16.
 */
const mostNamed = { plain: 16, zlib: 1_032, zstd: 32_768 } as const;

/** Counts the guest bytes that the tables read so far have named, and refuses a file that names far more than it holds. */
export class NamedBytes {
  readonly #fileBytes: number;
  readonly #compression: 'zlib' | 'zstd';
  #plain = 0;
  #compressed = 0;

  constructor(fileBytes: number, compression: 'zlib' | 'zstd') {
    this.#fileBytes = fileBytes;
    this.#compression = compression;
  }

  /** @throws ImageRefused */
  add(plainBytes: number, compressedBytes: number): void {
    this.#plain += plainBytes;
    this.#compressed += compressedBytes;
    this.#check(this.#plain, mostNamed.plain, 'plain');
    this.#check(this.#compressed, mostNamed[this.#compression], 'compressed');
  }

  #check(named: number, most: number, what: string): void {
    if (named <= this.#fileBytes * most) return;
    throw new ImageRefused({
      check: 'qcow2.amplification',
      reason: `A file of ${this.#fileBytes} bytes names ${named} bytes of ${what} clusters, more than ${most} times its own length.`,
      remedy: 'Write it anew, so that no clusters are shared: qemu-img convert -O qcow2 FILE disk.qcow2',
    });
  }
}
