/*
 * A metadata marker of a streamOptimized VMDK: one sector, little-endian, in front of what it announces.
 *
 * offset size field
 *      0    8 numSectors: length of what follows; some programs (Xen Orchestra) leave it 0
 *      8    4 size: 0; anything else would make it a grain
 *     12    4 type
 *     16  496 zeros
 *
 * Source: VMware, Virtual Disk Format 5.0, "Stream-Optimized Compressed".
 */
export const markerBytes = 512;

export const markerTypes = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;

const names = ['end-of-stream', 'grain table', 'grain directory', 'footer'];

/** What is wrong with the marker that `sector` should be, if anything. */
export function markerFault(sector: Uint8Array, type: number, sectors: number): string | undefined {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const found = view.getUint32(12, true);
  const numSectors = view.getBigUint64(0, true);
  const size = view.getUint32(8, true);
  if (size !== 0 || found !== type) {
    const name = size === 0 ? (names[found] ?? `a thing of type ${found}`) : 'a grain';
    return `the marker of the ${names[type]} is that of ${name}`;
  }
  if (numSectors !== 0n && numSectors !== BigInt(sectors)) {
    return `the marker of the ${names[type]} says ${numSectors} sectors in place of ${sectors}`;
  }
  return undefined;
}
