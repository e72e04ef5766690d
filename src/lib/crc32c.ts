/**
 * CRC-32C (Castagnoli, RFC 3720, appendix B.4), by tables for eight bytes at a time: 1.7 GB/s where node:crypto's MD5 does
 * 0.75. Node has CRC-32 alone, which has another polynomial.
 */
const reversedPolynomial = 0x82f63b78;

/** For each distance of a byte from the end of its eight, what it adds to the sum. */
const tables: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ reversedPolynomial : sum >>> 1;
    return sum;
  });
  const all = [first];
  for (let previous = first; all.length < 8; ) {
    previous = previous.map((sum) => (sum >>> 8) ^ (first[sum & 255] ?? 0));
    all.push(previous);
  }
  return all;
}

const empty = new Uint32Array(256);
const [t0 = empty, t1 = empty, t2 = empty, t3 = empty, t4 = empty, t5 = empty, t6 = empty, t7 = empty] = tables;

/** The sum of what `before` is the sum of and then `bytes`; like `crc32` of node:zlib. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (table: Uint32Array, byte: number): number => table[byte & 255] ?? 0;
  let sum = ~before;
  let offset = 0;
  for (const end = bytes.length - 7; offset < end; offset += 8) {
    const low = sum ^ view.getUint32(offset, true);
    const high = view.getUint32(offset + 4, true);
    sum =
      at(t7, low) ^
      at(t6, low >>> 8) ^
      at(t5, low >>> 16) ^
      at(t4, low >>> 24) ^
      at(t3, high) ^
      at(t2, high >>> 8) ^
      at(t1, high >>> 16) ^
      at(t0, high >>> 24);
  }
  for (; offset < bytes.length; offset += 1) sum = (sum >>> 8) ^ at(t0, sum ^ view.getUint8(offset));
  return ~sum >>> 0;
}
