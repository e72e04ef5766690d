/** bzip2's CRC-32: the polynomial of gzip's, with the highest bit first. */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = sum < 0 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  return sum;
});

/** The sum, not yet inverted, of what it was of and `bytes`; begin with -1. */
export function addToSum(sum: number, bytes: Uint8Array, length: number): number {
  let next = sum;
  for (let i = 0; i < length; i++) next = (next << 8) ^ (table[(next >>> 24) ^ (bytes[i] ?? 0)] ?? 0);
  return next;
}
