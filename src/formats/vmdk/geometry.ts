import { sectorBytes } from '../guest-size.ts';
import { directoryAtEnd, hasFlag, isCompressed, toBytes, vmdkFlags } from './header.ts';
import { placingHeader, type VmdkFacts } from './vmdk-facts.ts';

/** The sizes and places that follow from facts that were checked. */
export interface Geometry {
  readonly guestBytes: number;
  readonly grainBytes: number;
  /** Entries in a grain table. */
  readonly entriesPerTable: number;
  /** Bytes of a grain table's entries. */
  readonly tableBytes: number;
  /** Guest bytes that one grain table describes. */
  readonly tableSpanBytes: number;
  /** Entries in the grain directory: the grain tables that the capacity takes. */
  readonly tables: number;
  readonly directoryOffset: number;
  /** Offset of the redundant directory; undefined where there is none. */
  readonly redundantDirectoryOffset: number | undefined;
  readonly compressed: boolean;
  /** Tables and directory were written as the stream went by, behind markers. */
  readonly streamed: boolean;
}

/** Bytes of a grain directory or table entry: the sector of what it points to. */
export const entryBytes = 4;

export function geometryOf(facts: VmdkFacts): Geometry {
  const { header, descriptor } = facts;
  const placing = placingHeader(facts);
  const grainBytes = toBytes(header.grainSize);
  const tableSpanBytes = grainBytes * header.entriesPerTable;
  return {
    guestBytes: toBytes(descriptor.extents[0]?.sectors ?? header.capacity),
    grainBytes,
    entriesPerTable: header.entriesPerTable,
    tableBytes: header.entriesPerTable * entryBytes,
    tableSpanBytes,
    tables: Math.ceil(toBytes(header.capacity) / tableSpanBytes),
    directoryOffset: toBytes(placing.directoryOffset),
    redundantDirectoryOffset: redundantDirectoryOffset(facts),
    compressed: isCompressed(header),
    streamed: header.directoryOffset === directoryAtEnd,
  };
}

function redundantDirectoryOffset(facts: VmdkFacts): number | undefined {
  const sector = redundantDirectorySector(facts);
  return sector === undefined ? undefined : toBytes(sector);
}

/** A writer may set the flag and have none; QEMU and VirtualBox take an offset of 0 for that. */
export function redundantDirectorySector(facts: VmdkFacts): bigint | undefined {
  const placing = placingHeader(facts);
  const sector = placing.redundantDirectoryOffset;
  return hasFlag(placing, vmdkFlags.redundantTables) && sector !== 0n ? sector : undefined;
}

/** Bytes of a directory of so many tables, in whole sectors. */
export function directoryBytes(tables: number): number {
  return Math.ceil((tables * entryBytes) / sectorBytes) * sectorBytes;
}
