import { crc32 } from 'node:zlib';
import { isZero } from '../lib/zeros.ts';

/**
 * Where guest bytes are cut into chunks.
 *
 * Cuts lie on borders of 4 KiB blocks, because guest file systems move data in such blocks. Whether a chunk ends after
 * a block is decided by that block's own content, so bytes inserted at a block border change the chunks around them
 * and no others. A block of zeros is never stored: it ends the chunk before it. So does the border of a segment.
 *
 * Chosen by measurement on Debian images (ARCHITECTURE.md, The store): 64 KiB on average keeps 225 of 509 MB of a
 * second image where fixed 64 KiB blocks keep all of it.
 */
export const blockBytes = 4096;
const minChunkBytes = 16 * 1024;
export const maxChunkBytes = 256 * 1024;

/**
 * A block whose CRC-32 is below this ends its chunk: one in twelve. With the minimum of four blocks that makes 16
 * blocks, 64 KiB, on average.
 */
const cutBelow = Math.floor(2 ** 32 / 12);

/** A chunk's place in the bytes that were cut. */
export interface Cut {
  readonly offset: number;
  readonly length: number;
}

export interface Cuts {
  readonly chunks: Cut[];
  /**
   * Where the last, still open chunk begins: what follows belongs to it, and is given again, in front of the bytes
   * that come next. Equal to the length of the bytes when nothing is open.
   */
  readonly restOffset: number;
}

/**
 * Cuts bytes that begin at the border of a block. Unless they are `final` (nothing follows, or a segment ends here)
 * their length is a whole number of blocks. How the bytes of a segment are split over calls makes no difference.
 */
export function cutChunks(bytes: Uint8Array, final: boolean): Cuts {
  const chunks: Cut[] = [];
  let start = 0;
  const endChunk = (end: number): void => {
    if (end > start) chunks.push({ offset: start, length: end - start });
  };

  for (let offset = 0; offset < bytes.byteLength; offset += blockBytes) {
    const block = bytes.subarray(offset, offset + blockBytes);
    const end = offset + block.byteLength;
    if (isZero(block)) {
      endChunk(offset);
      start = end;
      continue;
    }
    const length = end - start;
    if (length >= maxChunkBytes || (length >= minChunkBytes && crc32(block) < cutBelow)) {
      endChunk(end);
      start = end;
    }
  }
  if (final) {
    endChunk(bytes.byteLength);
    start = bytes.byteLength;
  }
  return { chunks, restOffset: start };
}
