/*
 * A grain of a streamOptimized VMDK begins on a sector border with a marker, little-endian:
 *
 * offset size field
 *      0    8 lba: the guest sector that the grain begins with
 *      8    4 size: bytes of the zlib stream that follows; 0 would make it a marker of another kind
 *     12      the stream, then zeros up to the next sector
 *
 * Source: VMware, Virtual Disk Format 5.0, "Stream-Optimized Compressed".
 */
export const grainMarkerBytes = 12;

/**
 * The zlib stream of the grain that `encoded` begins with. Bytes behind the grain are ignored; a stream that would end
 * behind `encoded` runs into whatever the file keeps next.
 *
 * @throws RangeError, with the fact, when the marker is not this grain's
 */
export function readGrain(encoded: Uint8Array, firstSector: number): Uint8Array {
  if (encoded.length < grainMarkerBytes) throw new RangeError('there is no whole marker');
  const marker = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const lba = marker.getBigUint64(0, true);
  const size = marker.getUint32(8, true);
  if (lba !== BigInt(firstSector)) {
    throw new RangeError(`the grain of sector ${firstSector} is marked as that of sector ${lba}`);
  }
  if (size === 0 || size > encoded.length - grainMarkerBytes) {
    throw new RangeError(
      `the grain's marker says ${size} bytes, where there is room for 1 to ${encoded.length - grainMarkerBytes}`,
    );
  }
  return encoded.subarray(grainMarkerBytes, grainMarkerBytes + size);
}

/**
 * Bytes that a grain takes in the file at most, marker and padding included. What does not compress, zlib makes longer:
 * by an eighth and a few bytes in its worst setting (`deflateBound`); twice that is allowed.
 */
export function maxEncodedGrainBytes(grainBytes: number): number {
  return Math.ceil((grainMarkerBytes + grainBytes * 1.25 + 64) / 512) * 512;
}
