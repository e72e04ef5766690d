import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { readableFormat } from '../disk-format.ts';
import type { DiskMap } from '../disk-map.ts';
import type { Qcow2Report } from '../disk-report.ts';
import { bitmapCount } from './extensions.ts';
import { hasBit, incompatibleBits, lazyRefcountsBit } from './features.ts';
import { geometryOf } from './geometry.ts';
import { isQcow, type Qcow2Header, readHeader } from './header.ts';
import { headerChecks } from './header-checks.ts';
import { readL1Table } from './l1-table.ts';
import { L2Tables } from './l2-tables.ts';
import { MetadataRanges } from './metadata-ranges.ts';
import { NamedBytes } from './named-bytes.ts';
import { Qcow2Map } from './qcow2-map.ts';

/**
 * qcow2, versions 2 and 3: plain, zero and compressed clusters (zlib, zstd) of every size, with or without sub-clusters.
 * Internal snapshots and bitmaps are left behind; a file that needs another file is refused.
 */
export const qcow2 = readableFormat<Qcow2Header>({
  name: 'qcow2',
  recognises: ({ head }) => isQcow(head),
  readFacts: (probe) => readHeader(probe.head, probe.sizeBytes),
  checks: headerChecks,
  openMap,
});

/** From here on every field of the header was checked: what is a bigint there is a safe number. */
async function openMap(
  source: ByteSource,
  header: Qcow2Header,
  options?: ReadOptions,
): Promise<{ map: DiskMap; report: Qcow2Report }> {
  const { fileBytes, clusterBytes } = header;
  const geometry = geometryOf(header);
  const guestBytes = Number(header.size);
  const l1Offset = Number(header.l1Offset);
  const compression = header.compressionType === 0 ? 'zlib' : 'zstd';

  const l2Clusters = await readL1Table(
    source,
    { offset: l1Offset, entries: Math.ceil(guestBytes / geometry.tableSpanBytes), clusterBytes },
    options,
  );
  const metadata = new MetadataRanges(
    [
      { name: 'header', start: 0, bytes: clusterBytes },
      { name: 'L1 table', start: l1Offset, bytes: header.l1Entries * 8 },
      {
        name: 'refcount table',
        start: Number(header.refcountTableOffset),
        bytes: header.refcountTableClusters * clusterBytes,
      },
    ],
    l2Clusters,
    clusterBytes,
  );
  const tables = new L2Tables(source, geometry, l2Clusters, new NamedBytes(fileBytes, compression));
  const codec = compression === 'zlib' ? 'deflate' : 'zstd';
  const map = new Qcow2Map({ fileBytes, guestBytes, geometry, codec, tables, metadata });
  return { map, report: reportOn(header, guestBytes, compression) };
}

function reportOn(header: Qcow2Header, guestBytes: number, compression: 'zlib' | 'zstd'): Qcow2Report {
  const bitmaps = bitmapCount(header.extensions);
  const dirty = hasBit(header.incompatible, incompatibleBits.dirty);
  const notes: string[] = [];
  if (header.snapshots > 0)
    notes.push(`${header.snapshots} internal snapshots were left behind: only the active state is imported.`);
  if (bitmaps > 0) notes.push(`${bitmaps} dirty bitmaps were left behind.`);
  if (dirty)
    notes.push(
      'The file is marked as open (dirty): it was copied while in use, or its writer ended without closing it.',
    );
  return {
    format: 'qcow2',
    fileBytes: header.fileBytes,
    guestBytes,
    notes,
    version: header.version,
    clusterBytes: header.clusterBytes,
    compression,
    extendedL2: hasBit(header.incompatible, incompatibleBits.extendedL2),
    refcountBits: 2 ** header.refcountOrder,
    lazyRefcounts: hasBit(header.compatible, lazyRefcountsBit),
    dirty,
    internalSnapshots: header.snapshots,
    bitmaps,
  };
}
