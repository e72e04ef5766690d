import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import { coalesce, type FileRange } from '../plan-reads.ts';
import { hasMark } from '../probe.ts';
import { readRanges } from '../read-ranges.ts';
import { readGuid } from './guid.ts';

/*
 * Source: [MS-VHDX], 2.6. The metadata region begins with a table of 64 KiB; the items stand behind it, anywhere.
 *
 * offset size field
 *      0    8 "metadata"
 *     10    2 entries, at most 2047
 *     32      entries of 32 bytes:
 *               0   16 GUID: what the item is
 *              16    4 offset in the region, at least 64 KiB
 *              20    4 length in bytes
 *              24    4 bit 0: the item is the user's; bit 1: it belongs to the disk, not to the file;
 *                      bit 2: who does not know this item must not read the file
 *
 * Items:
 *   file parameters       4 block size; 4 bit 0: fixed, bit 1: has a parent
 *   virtual disk size     8 in bytes
 *   virtual disk id      16 GUID, as SCSI inquiry page 0x83 shows it
 *   logical sector size   4 512 or 4096
 *   physical sector size  4 512 or 4096
 *   parent locator          names of the parent's file
 */
const tableBytes = 64 * 1024;
const entriesOffset = 32;
const entryBytes = 32;
const maxEntries = 2047;

const userFlag = 1;
const requiredFlag = 4;
const fixedFlag = 1;
const parentFlag = 2;

/** Every writer puts the items one behind the other: one read. */
const merging = { maxGapBytes: 64 * 1024, maxReadBytes: 1024 * 1024 };

/** The items that every file must have, their lengths, and where each is put once they were gathered. */
const items = {
  fileParameters: { id: 'CAA16737-FA36-4D43-B3B6-33F0AA44E76B', at: 0, bytes: 8 },
  virtualDiskSize: { id: '2FA54224-CD1B-4876-B211-5DBED83BF4B8', at: 8, bytes: 8 },
  virtualDiskId: { id: 'BECA12AB-B2E6-4523-93EF-C309E000C746', at: 16, bytes: 16 },
  logicalSectorSize: { id: '8141BF1D-A96F-4709-BA47-F233A8FAAB5F', at: 32, bytes: 4 },
  physicalSectorSize: { id: 'CDA348C7-445D-4471-9CC9-E9885251C556', at: 36, bytes: 4 },
} as const;
const gatheredBytes = 40;

const parentLocatorId = 'A8D35F2D-B30B-454D-ABF7-D3D84834AB0C';

const knownIds: ReadonlySet<string> = new Set([...Object.values(items).map(({ id }) => id), parentLocatorId]);

/** What the metadata says of the disk, as it is written. */
export interface Metadata {
  readonly blockBytes: number;
  readonly isFixed: boolean;
  readonly hasParent: boolean;
  /** Size of the disk in bytes. */
  readonly size: bigint;
  readonly diskId: string;
  readonly logicalSectorBytes: number;
  readonly physicalSectorBytes: number;
  /** GUIDs of the items that must be known and are not. */
  readonly unknownItems: readonly string[];
}

interface Entry {
  readonly id: string;
  readonly offset: number;
  readonly bytes: number;
  readonly isUser: boolean;
  readonly required: boolean;
}

/**
 * Reads the metadata's table and the items that are known.
 *
 * @param region where it stands, within the file
 * @throws ImageRefused when the table is damaged, or an item is missing, twice there, or not within the region
 */
export async function readMetadata(
  source: ByteSource,
  region: { offset: number; bytes: number },
  options?: ReadOptions,
): Promise<Metadata> {
  const entries = readTable(await source.read(region.offset, tableBytes, options));
  const places = Object.values(items).map((item) => placeItem(entries, region, item));
  const gathered = new Uint8Array(gatheredBytes);
  await readRanges(
    source,
    coalesce(places, merging),
    (range, bytes) => {
      for (const { at, offset, length } of range.pieces) {
        gathered.set(bytes.subarray(offset - range.offset, offset - range.offset + length), at);
      }
    },
    options,
  );
  const view = new DataView(gathered.buffer);
  const flags = view.getUint32(items.fileParameters.at + 4, true);
  return {
    blockBytes: view.getUint32(items.fileParameters.at, true),
    isFixed: (flags & fixedFlag) !== 0,
    hasParent: (flags & parentFlag) !== 0 || entries.some(({ id, isUser }) => id === parentLocatorId && !isUser),
    size: view.getBigUint64(items.virtualDiskSize.at, true),
    diskId: readGuid(view, items.virtualDiskId.at),
    logicalSectorBytes: view.getUint32(items.logicalSectorSize.at, true),
    physicalSectorBytes: view.getUint32(items.physicalSectorSize.at, true),
    unknownItems: entries
      .filter(({ id, isUser, required }) => required && (isUser || !knownIds.has(id)))
      .map(({ id }) => id),
  };
}

/** Where an item is in the file. */
function placeItem(
  entries: readonly Entry[],
  region: { offset: number; bytes: number },
  { id, at, bytes }: { id: string; at: number; bytes: number },
): FileRange & { at: number } {
  const entry = entries.find((candidate) => candidate.id === id && !candidate.isUser);
  if (entry === undefined) throw refused(`The metadata has no item ${id}, which every file must have.`);
  if (entry.bytes !== bytes || entry.offset < tableBytes || entry.offset + bytes > region.bytes) {
    throw refused(
      `The metadata item ${id} has ${entry.bytes} bytes at ${entry.offset} of its region; it must have ${bytes}, from ${tableBytes} on.`,
    );
  }
  return { at, offset: region.offset + entry.offset, length: bytes };
}

function readTable(table: Uint8Array): Entry[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  if (!hasMark(table, 0, 'metadata')) throw refused('The metadata region does not begin with its signature.');
  const count = view.getUint16(10, true);
  if (count > maxEntries) throw refused(`The metadata has ${count} items; it can have ${maxEntries}.`);
  const entries = Array.from({ length: count }, (_, index) => {
    const at = entriesOffset + index * entryBytes;
    const flags = view.getUint32(at + 24, true);
    return {
      id: readGuid(view, at),
      offset: view.getUint32(at + 16, true),
      bytes: view.getUint32(at + 20, true),
      isUser: (flags & userFlag) !== 0,
      required: (flags & requiredFlag) !== 0,
    };
  });
  if (new Set(entries.map(({ id, isUser }) => `${id} ${isUser}`)).size < count) {
    throw refused('The metadata has an item twice.');
  }
  return entries;
}

function refused(reason: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.metadata',
    reason,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
