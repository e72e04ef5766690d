import { hasBit, incompatibleBits } from './features.ts';

/** The sizes that follow from a header's cluster size, version and features. */
export interface Geometry {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  readonly extendedL2: boolean;
  /** Bytes of an L2 entry: 8, or 16 with its sub-cluster bitmap. */
  readonly entryBytes: 8 | 16;
  /** Entries in an L2 table, which fills one cluster. */
  readonly entriesPerTable: number;
  /** Guest bytes that one L2 table describes. */
  readonly tableSpanBytes: number;
}

export function geometryOf(header: { version: 2 | 3; clusterBits: number; incompatible: bigint }): Geometry {
  const { version, clusterBits } = header;
  const clusterBytes = 2 ** clusterBits;
  const extendedL2 = hasBit(header.incompatible, incompatibleBits.extendedL2);
  const entryBytes = extendedL2 ? 16 : 8;
  const entriesPerTable = clusterBytes / entryBytes;
  return {
    version,
    clusterBits,
    clusterBytes,
    extendedL2,
    entryBytes,
    entriesPerTable,
    tableSpanBytes: entriesPerTable * clusterBytes,
  };
}
