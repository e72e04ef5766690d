/*
 * A zstd frame (RFC 8878, 3.1.1): magic (4 bytes), descriptor (1), window (1, absent in a single segment), dictionary id
 * (0, 1, 2 or 4), content size (0, 1, 2, 4 or 8), blocks, checksum (0 or 4). A block: a header of 3 bytes, little-endian
 * (bit 0: last; bits 1-2: raw, RLE, compressed, reserved; the rest: size), and its content: one byte for RLE.
 */
const magic = 0xfd2fb528;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;
const rleBlock = 1;

/**
 * The length of the zstd frame that `bytes` begin with, or undefined where there is no whole frame.
 *
 * zlib says where a stream ends and zstd does not: Node's decompressor goes on behind the frame, into the next cluster's
 * bytes that share the last sector. No block is decoded here.
 */
export function zstdFrameLength(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 5 || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  const sizeFlag = descriptor >>> 6;
  const singleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0);
  let at = 5 + (singleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 0x03] ?? 0) + sizeBytes;
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) return undefined;
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    at += 3 + (((header >>> 1) & 3) === rleBlock ? 1 : header >>> 3);
  }
  if (hasChecksum) at += 4;
  return at <= bytes.length ? at : undefined;
}
