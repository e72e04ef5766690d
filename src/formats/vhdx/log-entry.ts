import { hasItsChecksum } from './crc32c.ts';
import { readGuid } from './guid.ts';

/*
 * Source: [MS-VHDX], 2.3.1. The log is a ring of sectors of 4 KiB. An entry is a number of sectors that follow each
 * other, in the ring: first those with its header and descriptors, 32 bytes a descriptor, then its data sectors, one for
 * each data descriptor, in their order. The header takes the room of two descriptors.
 *
 * Header:                                               Data descriptor:
 * offset size field                                     offset size field
 *      0    4 "loge"                                         0    4 "desc"
 *      4    4 CRC-32C of the whole entry                     4    4 the last 4 bytes of the sector
 *      8    4 entry length, whole sectors                    8    8 the first 8 bytes of the sector
 *     12    4 tail: offset in the log of the                16    8 where in the file the sector belongs
 *              oldest entry that must be replayed           24    8 sequence number of the entry
 *              with this one                            Zero descriptor:
 *     16    8 sequence number, one more than the             0    4 "zero"
 *              entry before has; not 0                       8    8 bytes to fill with zeros
 *     24    4 descriptors                                   16    8 where in the file
 *     32   16 log GUID, as the file's header has it         24    8 sequence number of the entry
 *     48    8 flushed file offset: the file was
 *              at least so long                         Data sector:
 *     56    8 last file offset: the file must                0    4 "data"
 *              become at least so long                       4    4 upper half of the sequence number
 *                                                            8 4084 the sector's bytes between the first and last
 *                                                         4092    4 lower half of the sequence number
 */
export const logSectorBytes = 4096;
const descriptorBytes = 32;
const descriptorsPerSector = logSectorBytes / descriptorBytes;
const headerSlots = 2;

const signatures = { entry: 0x65676f6c, data: 0x63736564, zero: 0x6f72657a, sector: 0x61746164 } as const;

/** A valid entry of a log. */
export interface LogEntry {
  /** The sector of the log that it begins in, and how many it has. */
  readonly sector: number;
  readonly sectors: number;
  /** The sector of the oldest entry that must be replayed with this one. */
  readonly tailSector: number;
  readonly sequence: bigint;
  readonly descriptors: number;
  readonly flushedFileOffset: bigint;
  readonly lastFileOffset: bigint;
}

/** A write that an entry asks for. `bytes` are 4 KiB in the log's own memory; without them, zeros are written. */
export interface LogWrite {
  readonly offset: bigint;
  readonly length: bigint;
  readonly bytes?: Uint8Array;
}

/** A log as it stands in the file, in memory. */
export class Log {
  readonly sectors: number;
  readonly #guid: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** @param bytes the whole log, whole sectors, which becomes this object's own */
  constructor(bytes: Uint8Array, guid: string) {
    this.sectors = bytes.length / logSectorBytes;
    this.#guid = guid;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * The entry that begins in a sector, if a valid one does: every field in it is checked, and its checksum.
   *
   * No sector of an entry but its first has the mark of an entry's beginning. That is checked before the checksum is, so
   * that checksums are taken of entries that do not overlap: asking for every sector reads the log no more than twice.
   */
  entryAt(sector: number): LogEntry | undefined {
    const at = sector * logSectorBytes;
    const view = this.#view;
    if (view.getUint32(at, true) !== signatures.entry) return undefined;
    const length = view.getUint32(at + 8, true);
    const tail = view.getUint32(at + 12, true);
    if (length === 0 || length % logSectorBytes !== 0 || length > this.#bytes.length) return undefined;
    if (tail % logSectorBytes !== 0 || tail >= this.#bytes.length) return undefined;
    const entry: LogEntry = {
      sector,
      sectors: length / logSectorBytes,
      tailSector: tail / logSectorBytes,
      sequence: view.getBigUint64(at + 16, true),
      descriptors: view.getUint32(at + 24, true),
      flushedFileOffset: view.getBigUint64(at + 48, true),
      lastFileOffset: view.getBigUint64(at + 56, true),
    };
    if (entry.sequence === 0n || readGuid(view, at + 32) !== this.#guid) return undefined;
    return this.#isWhole(entry) && this.#hasItsChecksum(entry) ? entry : undefined;
  }

  /**
   * The writes of an entry, in order. May be asked once for an entry: a data sector is put together where it stands in
   * the log, which ends the entry.
   */
  *takeWrites(entry: LogEntry): Iterable<LogWrite> {
    let dataSector = entry.sector + descriptorSectors(entry);
    for (let index = 0; index < entry.descriptors; index++) {
      const at = this.#descriptorAt(entry, index);
      const offset = this.#view.getBigUint64(at + 16, true);
      if (this.#view.getUint32(at, true) === signatures.zero) {
        yield { offset, length: this.#view.getBigUint64(at + 8, true) };
      } else {
        const from = this.#sectorAt(dataSector++);
        const bytes = this.#bytes.subarray(from, from + logSectorBytes);
        bytes.set(this.#bytes.subarray(at + 8, at + 16), 0);
        bytes.set(this.#bytes.subarray(at + 4, at + 8), logSectorBytes - 4);
        yield { offset, length: BigInt(logSectorBytes), bytes };
      }
    }
  }

  /** Whether its descriptors and data sectors are what they must be, and as many as there is room for. */
  #isWhole(entry: LogEntry): boolean {
    const dataSectors = entry.sectors - descriptorSectors(entry);
    if (dataSectors < 0) return false;
    const view = this.#view;
    const sequenceHigh = Number(entry.sequence >> 32n);
    const sequenceLow = Number(entry.sequence & 0xffffffffn);
    let dataDescriptors = 0;
    for (let index = 0; index < entry.descriptors; index++) {
      const at = this.#descriptorAt(entry, index);
      const signature = view.getUint32(at, true);
      if (signature === signatures.data) dataDescriptors++;
      else if (signature !== signatures.zero || view.getUint32(at + 8, true) % logSectorBytes !== 0) return false;
      if (view.getUint32(at + 16, true) % logSectorBytes !== 0) return false;
      if (view.getUint32(at + 24, true) !== sequenceLow || view.getUint32(at + 28, true) !== sequenceHigh) return false;
    }
    if (dataDescriptors !== dataSectors) return false;
    for (let index = 0; index < dataSectors; index++) {
      const at = this.#sectorAt(entry.sector + descriptorSectors(entry) + index);
      if (view.getUint32(at, true) !== signatures.sector || view.getUint32(at + 4, true) !== sequenceHigh) return false;
      if (view.getUint32(at + logSectorBytes - 4, true) !== sequenceLow) return false;
    }
    return true;
  }

  #hasItsChecksum(entry: LogEntry): boolean {
    const start = entry.sector * logSectorBytes;
    const end = start + entry.sectors * logSectorBytes;
    const wrapped = this.#bytes.subarray(0, Math.max(0, end - this.#bytes.length));
    return hasItsChecksum(this.#bytes.subarray(start, end), wrapped);
  }

  #descriptorAt(entry: LogEntry, index: number): number {
    const slot = index + headerSlots;
    const sector = entry.sector + Math.floor(slot / descriptorsPerSector);
    return this.#sectorAt(sector) + (slot % descriptorsPerSector) * descriptorBytes;
  }

  /** Offset in the log of a sector, counted around the ring. */
  #sectorAt(sector: number): number {
    return (sector % this.sectors) * logSectorBytes;
  }
}

function descriptorSectors(entry: LogEntry): number {
  return Math.ceil((entry.descriptors + headerSlots) / descriptorsPerSector);
}
