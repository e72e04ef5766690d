import { addToSum } from './block-sum.ts';
import type { BlockHead } from './block-symbols.ts';
import { Bzip2Damaged } from './bzip2-damaged.ts';

/** Four equal bytes are followed by how many more of them there are. */
const runBefore = 4;

/**
 * The bytes of a block, from the last column of its sorted rotations: `block` holds the column in its first `length`
 * numbers. They come in pieces of at most the length of `piece`, which is used for each. The block's sum is checked
 * at the end.
 *
 * A block of 900 kB can hold 46 MB of zeros, so it is never whole in memory.
 */
export function* blockBytes(
  block: Uint32Array,
  length: number,
  { sum, start }: BlockHead,
  piece: Uint8Array,
): Generator<Uint8Array> {
  if (start >= length) throw new Bzip2Damaged('a block begins behind its end');
  linkRotations(block, length);

  let next = block[start] ?? 0;
  let equal = 0;
  let last = -1;
  let filled = 0;
  let sumSoFar = -1;
  for (let left = length; left > 0; left--) {
    next = block[next >>> 8] ?? 0;
    const byte = next & 0xff;
    let copies = 1;
    let value = byte;
    if (equal === runBefore) {
      copies = byte;
      value = last;
      equal = 0;
      last = -1;
    } else {
      equal = byte === last ? equal + 1 : 1;
      last = byte;
    }
    if (filled + copies > piece.length) {
      sumSoFar = addToSum(sumSoFar, piece, filled);
      yield piece.subarray(0, filled);
      filled = 0;
    }
    if (copies === 1) piece[filled] = value;
    else piece.fill(value, filled, filled + copies);
    filled += copies;
  }
  sumSoFar = addToSum(sumSoFar, piece, filled);
  if (~sumSoFar >>> 0 !== sum) throw new Bzip2Damaged('the CRC-32 of a block does not match its bytes');
  yield piece.subarray(0, filled);
}

/** Puts into the upper 24 bits of each number the place of the byte that follows it in the text. */
function linkRotations(block: Uint32Array, length: number): void {
  const places = new Uint32Array(256);
  for (let i = 0; i < length; i++) {
    const byte = (block[i] ?? 0) & 0xff;
    places[byte] = (places[byte] ?? 0) + 1;
  }
  let before = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = places[byte] ?? 0;
    places[byte] = before;
    before += count;
  }
  for (let i = 0; i < length; i++) {
    const byte = (block[i] ?? 0) & 0xff;
    const place = places[byte] ?? 0;
    block[place] = ((block[place] ?? 0) & 0xff) | (i << 8);
    places[byte] = place + 1;
  }
}
