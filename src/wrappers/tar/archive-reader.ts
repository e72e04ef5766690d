import type { ByteSource, ReadOptions } from '../../formats/byte-source.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { tarBlockBytes } from './tar-header.ts';

/** Headers stand together: one read of so much most often has the next ones, too. */
const windowBytes = 64 * 1024;

/** The bytes of an archive for its headers: small reads, out of one larger. */
export class ArchiveReader {
  readonly source: ByteSource;
  readonly #options: ReadOptions;
  #window: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) };

  constructor(source: ByteSource, options: ReadOptions) {
    this.source = source;
    this.#options = options;
  }

  /** @throws ImageRefused when the archive ends before */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset + length > this.source.sizeBytes) throw cutShort(this.source.sizeBytes, offset + length);
    const from = offset - this.#window.offset;
    if (from >= 0 && from + length <= this.#window.bytes.length)
      return this.#window.bytes.subarray(from, from + length);
    const whole = Math.min(Math.max(length, windowBytes), this.source.sizeBytes - offset);
    this.#window = { offset, bytes: await this.source.read(offset, whole, this.#options) };
    return this.#window.bytes.subarray(0, length);
  }
}

export function cutShort(sizeBytes: number, neededBytes: number): ImageRefused {
  return new ImageRefused({
    check: 'tar.truncated',
    reason: `The tar archive is cut short: it ends at byte ${sizeBytes}, and its last member needs ${neededBytes}.`,
    remedy: 'Compare its length with the original, and send it again.',
  });
}

/** Whole blocks for so many bytes. */
export function inBlocks(bytes: number): number {
  return Math.ceil(bytes / tarBlockBytes) * tarBlockBytes;
}
