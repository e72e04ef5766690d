/** Sizes of disks are whole GiB here, which this API calls GB. */
export const gibBytes = 1024 ** 3;

export function bytesToGib(bytes: number): bigint {
  return BigInt(Math.ceil(bytes / gibBytes));
}
