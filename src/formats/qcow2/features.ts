/** Numbers of the bits of `incompatible_features` that are known: a file with any other cannot be read. */
export const incompatibleBits = { dirty: 0, corrupt: 1, dataFile: 2, compressionType: 3, extendedL2: 4 } as const;

/** Number of the bit of `compatible_features` that is reported. */
export const lazyRefcountsBit = 0;

export function hasBit(bits: bigint, bit: number): boolean {
  return ((bits >> BigInt(bit)) & 1n) === 1n;
}
