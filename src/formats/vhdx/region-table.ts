import { ImageRefused } from '../image-refused.ts';
import { hasItsChecksum } from './crc32c.ts';
import { guidBytes, readGuid } from './guid.ts';

/*
 * Source: [MS-VHDX], 2.2.3. 64 KiB, twice, at 192 and 256 KiB.
 *
 * offset size field
 *      0    4 "regi"
 *      4    4 CRC-32C of the 64 KiB
 *      8    4 entries, at most 2047
 *     16      entries of 32 bytes:
 *               0   16 GUID: what the region is
 *              16    8 offset in the file, whole MiB, at least 1
 *              24    4 length, whole MiB
 *              28    4 bit 0: who does not know this region must not read the file
 */
export const regionTableBytes = 64 * 1024;
const entriesOffset = 16;
const entryBytes = 32;
const maxEntries = 2047;
const regiSignature = 0x69676572;

/** GUIDs of the regions that are known; both must be there. */
export const regionIds = {
  bat: '2DC27766-F623-4200-9D64-115E9BFD4A08',
  metadata: '8B7CA206-4790-4B9A-B8FE-575F050F886E',
} as const;

/** An entry of the region table, as it is written. */
export interface Region {
  readonly id: string;
  readonly offset: bigint;
  readonly bytes: number;
  readonly required: boolean;
}

export interface RegionTable {
  readonly regions: readonly Region[];
  /** The other copy is damaged. */
  readonly otherIsDamaged: boolean;
}

/**
 * Reads the region table, of which there are two copies: one must be valid, and two that are must say the same.
 *
 * @param copies both, one after the other
 * @throws ImageRefused
 */
export function readRegionTable(copies: Uint8Array): RegionTable {
  const [first, second] = [copies.subarray(0, regionTableBytes), copies.subarray(regionTableBytes)];
  const firstIsValid = isValid(first);
  // Two that are the same need only one checksum.
  const secondIsValid = Buffer.compare(first, second) === 0 ? firstIsValid : isValid(second);
  if (!firstIsValid && !secondIsValid) {
    throw refused('Neither of its two region tables has its signature and its checksum.');
  }
  if (firstIsValid && secondIsValid && Buffer.compare(usedPart(first), usedPart(second)) !== 0) {
    throw refused('Its two region tables are valid and differ: two programs would read two different disks.');
  }
  return { regions: readEntries(firstIsValid ? first : second), otherIsDamaged: firstIsValid !== secondIsValid };
}

function isValid(table: Uint8Array): boolean {
  return viewOf(table).getUint32(0, true) === regiSignature && hasItsChecksum(table);
}

/** The number of entries and the entries; what follows may be anything. */
function usedPart(table: Uint8Array): Uint8Array {
  return table.subarray(8, entriesOffset + Math.min(entryCount(table), maxEntries) * entryBytes);
}

function entryCount(table: Uint8Array): number {
  return viewOf(table).getUint32(8, true);
}

function readEntries(table: Uint8Array): Region[] {
  const count = entryCount(table);
  if (count > maxEntries) throw refused(`The region table has ${count} entries; it can have ${maxEntries}.`);
  const view = viewOf(table);
  return Array.from({ length: count }, (_, index) => {
    const at = entriesOffset + index * entryBytes;
    return {
      id: readGuid(view, at),
      offset: view.getBigUint64(at + guidBytes, true),
      bytes: view.getUint32(at + 24, true),
      required: (view.getUint32(at + 28, true) & 1) !== 0,
    };
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refused(reason: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.region-table',
    reason,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
