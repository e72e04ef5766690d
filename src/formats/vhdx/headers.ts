import { ImageRefused } from '../image-refused.ts';
import { hasItsChecksum } from './crc32c.ts';
import { readGuid, zeroGuid } from './guid.ts';

/*
 * Source: Microsoft's [MS-VHDX], 2.2. All numbers are little-endian. The first MiB of every file:
 *
 *       0  file type identifier: "vhdxfile", then 512 bytes of UTF-16: the program that created the file
 *  64 KiB  header 1, 4 KiB
 * 128 KiB  header 2, 4 KiB: whichever of the two is valid and newer counts
 * 192 KiB  region table, 64 KiB
 * 256 KiB  a copy of it
 *
 * Header:
 * offset size field
 *      0    4 "head"
 *      4    4 CRC-32C of the 4 KiB
 *      8    8 sequence number: the greater one is newer
 *     16   16 file write GUID, changed by every program that writes
 *     32   16 data write GUID, changed with the guest's bytes
 *     48   16 log GUID: zero without a log to replay; log entries of any other GUID are not valid
 *     64    2 log version: 0
 *     66    2 version: 1
 *     68    4 log length, whole MiB
 *     72    8 log offset, whole MiB
 */
const headerBytes = 4096;
const secondHeader = 64 * 1024;
const headSignature = 0x64616568;

/** From the first header to the end of the second. */
export const headersRange = { offset: 64 * 1024, length: secondHeader + headerBytes } as const;

/** Where the header section ends, and anything else can begin. */
export const headerSectionBytes = 1024 * 1024;

/** Up to here are the identifier and the headers, which are never written through the log. */
export const regionTablesOffset = 192 * 1024;

/** The header that counts. */
export interface VhdxHeader {
  readonly version: number;
  /** Undefined where there is no log to replay. */
  readonly logGuid: string | undefined;
  readonly logVersion: number;
  readonly logOffset: bigint;
  readonly logBytes: number;
  /** The other header is damaged; a writer that was cut off leaves it so. */
  readonly otherIsDamaged: boolean;
}

/**
 * Finds the current header: of the two, the valid one with the greater sequence number. Two that are equal in every byte
 * are one (Disk2vhd writes them so).
 *
 * @param headers both, the bytes of `headersRange`
 * @throws ImageRefused when none is valid, or both are and neither is newer
 */
export function readCurrentHeader(headers: Uint8Array): VhdxHeader {
  const [first, second] = [0, secondHeader].map((at) => asValid(headers.subarray(at, at + headerBytes)));
  if (first === undefined || second === undefined) {
    const only = first ?? second;
    if (only === undefined) throw badHeaders('Neither of its two headers has its signature and its checksum.');
    return readHeader(only, true);
  }
  const difference = sequenceOf(first) - sequenceOf(second);
  if (difference === 0n && Buffer.compare(first, second) !== 0) {
    throw badHeaders('Its two headers differ, and neither is newer than the other.');
  }
  return readHeader(difference >= 0n ? first : second, false);
}

/** The program that created the file, safe to print; empty where it does not say. */
export function readCreator(head: Uint8Array): string {
  const text = Buffer.from(head.subarray(8, 8 + 512)).toString('utf16le');
  return text.replace(/\0.*$/s, '').replaceAll(/[^ -~]/g, '?');
}

function asValid(bytes: Uint8Array): Uint8Array | undefined {
  const isHeader = viewOf(bytes).getUint32(0, true) === headSignature && hasItsChecksum(bytes);
  return isHeader ? bytes : undefined;
}

function readHeader(bytes: Uint8Array, otherIsDamaged: boolean): VhdxHeader {
  const view = viewOf(bytes);
  const logGuid = readGuid(view, 48);
  return {
    version: view.getUint16(66, true),
    logGuid: logGuid === zeroGuid ? undefined : logGuid,
    logVersion: view.getUint16(64, true),
    logOffset: view.getBigUint64(72, true),
    logBytes: view.getUint32(68, true),
    otherIsDamaged,
  };
}

function sequenceOf(bytes: Uint8Array): bigint {
  return viewOf(bytes).getBigUint64(8, true);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function badHeaders(reason: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.header',
    reason,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
