import type { InputBuffer } from '../input-buffer.ts';
import { isTooManyStreams, tooManyStreams } from '../stream-limit.ts';
import { BitReader } from './bit-reader.ts';
import { blockBytes } from './block-bytes.ts';
import { readBlockHead, readSymbols } from './block-symbols.ts';
import { Bzip2Damaged, Bzip2Scattered } from './bzip2-damaged.ts';

/*
 * A bzip2 file is streams that follow each other, each from the border of a byte. A stream, in bits:
 *
 *   32   "BZh" and a digit: how many times 100,000 symbols a block has at most
 *        blocks (block-symbols.ts)
 *   48   0x177245385090
 *   32   the sums of the blocks, together
 */
const blockMark = 0x314159265359;
const endMark = 0x177245385090;
const blockUnit = 100_000;

/** More than the longest block there can be: 900,000 symbols of 20 bits, and its tables. */
const wholeBlockBytes = 2_400_000;

const pieceBytes = 1024 * 1024;

/** What was found in a bzip2 file that was read to its end. */
export interface Bzip2Facts {
  readonly streams: number;
  /** Where the last stream ends, from the beginning of the file. */
  readonly endBytes: number;
}

/**
 * The bytes in a bzip2 file. Each piece is the caller's until the next is asked for. Memory: 4 MB for the block, 3 MB
 * of input.
 *
 * @throws Bzip2Damaged, Bzip2Scattered; BitsEnded when the input ends before the data
 */
export async function* readBzip2(input: InputBuffer): AsyncGenerator<Uint8Array, Bzip2Facts> {
  const piece = new Uint8Array(pieceBytes);
  let block = new Uint32Array(0);
  let bytes = 0;
  for (let streams = 0; ; streams++) {
    const head = await input.peek(4);
    if (!isStreamHead(head)) {
      if (streams > 0) return { streams, endBytes: input.position };
      throw new Bzip2Damaged('it does not begin with BZh and a digit');
    }
    if (isTooManyStreams(streams + 1, bytes)) throw new Bzip2Scattered(tooManyStreams(streams + 1, bytes));
    input.pass(4);
    const symbols = blockUnit * ((head[3] ?? 0) - 0x30);
    if (block.length < symbols) block = new Uint32Array(symbols);
    for await (const chunk of readStream(input, block.subarray(0, symbols), piece)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
}

function isStreamHead(head: Uint8Array): boolean {
  return /^BZh[1-9]$/.test(Buffer.from(head).toString('latin1'));
}

async function* readStream(input: InputBuffer, block: Uint32Array, piece: Uint8Array): AsyncGenerator<Uint8Array> {
  let sums = 0;
  /** Blocks do not begin at borders of bytes: so many bits of the first byte belong to the one before. */
  let skippedBits = 0;
  for (;;) {
    const bytes = await input.peek(wholeBlockBytes);
    const bits = new BitReader(bytes);
    bits.take(skippedBits);
    const mark = bits.take(24) * 2 ** 24 + bits.take(24);
    if (mark === endMark) {
      if (bits.take32() !== sums) throw new Bzip2Damaged('the sum of a stream does not match its blocks');
      bits.align();
      input.pass(bits.usedBits / 8);
      return;
    }
    if (mark !== blockMark) throw new Bzip2Damaged('where a block was to begin is none');
    const head = readBlockHead(bits);
    const length = readSymbols(bits, block);
    skippedBits = bits.usedBits % 8;
    input.pass(Math.floor(bits.usedBits / 8));
    yield* blockBytes(block, length, head, piece);
    sums = (((sums << 1) | (sums >>> 31)) ^ head.sum) >>> 0;
  }
}
