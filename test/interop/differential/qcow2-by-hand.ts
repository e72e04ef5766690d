import { buildQcow2, compressedEntry, copied, deflated, zstandard } from '../../fixtures/qcow2-builder.ts';
import { below, chance, pick, type Rng } from '../../fixtures/random-choice.ts';
import { anyBytes, shuffled } from './random-bytes.ts';

/** What chance decided of a file before its clusters are dealt out. */
interface Shape {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  readonly extended: boolean;
  readonly zstd: boolean;
  readonly guestClusters: number;
  readonly entryBytes: 8 | 16;
  readonly entriesPerTable: number;
  readonly tables: number;
}

/**
 * A good qcow2 of tables and clusters of every kind, in clusters of any size, of which none is where QEMU would have put
 * it. Compressed clusters stand one behind the other on no border, several in a cluster of the file.
 */
export function anyQcow2(rng: Rng): Buffer {
  const shape = anyShape(rng);
  const { clusterBytes, entryBytes, entriesPerTable, guestClusters, tables } = shape;
  const space = new FileSpace(rng, shape);
  for (let table = 0; table < tables; table++) {
    if (chance(rng, 0.1)) continue;
    const place = space.take();
    space.file.writeBigUInt64BE(copied(place), 2 * clusterBytes + table * 8);
    const entries = Math.min(entriesPerTable, guestClusters - table * entriesPerTable);
    for (let entry = 0; entry < entries; entry++) writeAnyCluster(rng, shape, space, place + entry * entryBytes);
  }
  anyHeader(rng, shape).copy(space.file, 0, 0, 112);
  // Sectors of compressed clusters are counted whole, and the last may end with the file.
  return Buffer.concat([space.file, ...space.packed, Buffer.alloc(chance(rng, 0.5) ? 512 : 0)]);
}

function anyShape(rng: Rng): Shape {
  const clusterBits = pick(rng, [9, 10, 12, 14, 16]);
  const clusterBytes = 2 ** clusterBits;
  const extended = clusterBits >= 14 && chance(rng, 0.5);
  const entryBytes = extended ? 16 : 8;
  const entriesPerTable = clusterBytes / entryBytes;
  const guestClusters = 1 + below(rng, Math.min(300, entriesPerTable * 4));
  const tables = Math.ceil(guestClusters / entriesPerTable);
  const version = !extended && chance(rng, 0.2) ? 2 : 3;
  const zstd = version === 3 && chance(rng, 0.4);
  return { version, clusterBits, clusterBytes, extended, zstd, guestClusters, entryBytes, entriesPerTable, tables };
}

/** The file's clusters: the first two for the header and the refcount table, the L1 table's, and others in any order. */
class FileSpace {
  readonly file: Buffer;
  /** What follows the clusters, without gaps. */
  readonly packed: Buffer[] = [];
  readonly #free: number[];
  readonly #clusterBytes: number;
  #end: number;

  constructor(rng: Rng, { clusterBytes, guestClusters, tables }: Shape) {
    const first = 2 + Math.ceil((tables * 8) / clusterBytes);
    const clusters = Array.from({ length: tables + guestClusters }, (_, i) => first + i);
    this.#clusterBytes = clusterBytes;
    this.#free = shuffled(rng, clusters);
    this.#end = (first + clusters.length) * clusterBytes;
    this.file = Buffer.alloc(this.#end);
  }

  /** The offset of a cluster that nothing else is in. */
  take(): number {
    return (this.#free.pop() ?? 0) * this.#clusterBytes;
  }

  /** The offset at which the bytes will stand. */
  append(bytes: Buffer): number {
    const place = this.#end;
    this.packed.push(bytes);
    this.#end += bytes.length;
    return place;
  }
}

/** Writes an entry of an L2 table, at `at`, and the cluster that it names. */
function writeAnyCluster(rng: Rng, shape: Shape, space: FileSpace, at: number): void {
  const { version, clusterBits, clusterBytes, extended, zstd } = shape;
  const { file } = space;
  const kind = pick(rng, ['hole', 'plain', 'plain', 'zeros', 'zeros with a place', 'compressed']);
  if (kind === 'hole') return;
  const bytes = anyBytes(rng, clusterBytes);
  if (kind === 'compressed') {
    const unit = (zstd ? zstandard : deflated)(bytes);
    if (unit.length < clusterBytes)
      file.writeBigUInt64BE(compressedEntry(space.append(unit), unit.length, clusterBits), at);
    return;
  }
  // Version 2 has no mark for zeros.
  const isZero = kind !== 'plain' && version === 3;
  const place = isZero && kind === 'zeros' ? undefined : space.take();
  if (place !== undefined) bytes.copy(file, place);
  const entry = place === undefined ? 0n : copied(place);
  file.writeBigUInt64BE(isZero && !extended ? entry | 1n : entry, at);
  if (extended) writeAnySubclusters(rng, file, at + 8, place !== undefined);
}

/** The bitmaps of a cluster's sub-clusters: what reads as zeros, and what is in the file, if the cluster is. */
function writeAnySubclusters(rng: Rng, file: Buffer, at: number, hasPlace: boolean): void {
  const allocated = hasPlace ? below(rng, 2 ** 32) : 0;
  file.writeUInt32BE((below(rng, 2 ** 32) & ~allocated) >>> 0, at);
  file.writeUInt32BE(allocated, at + 4);
}

function anyHeader(rng: Rng, shape: Shape): Buffer {
  const { version, clusterBits, clusterBytes, extended, zstd, guestClusters, tables } = shape;
  const sectorsPerCluster = clusterBytes / 512;
  const common = {
    version,
    cluster_bits: clusterBits,
    size: (guestClusters - 1) * clusterBytes + 512 * (1 + below(rng, sectorsPerCluster)),
    l1_size: tables,
    l1_table_offset: 2 * clusterBytes,
    refcount_table_offset: clusterBytes,
  };
  const features = { incompatible_features: (zstd ? 8 : 0) + (extended ? 16 : 0), compression_type: zstd ? 1 : 0 };
  const header = version === 2 ? { ...common, header_length: 0, refcount_order: 0 } : { ...common, ...features };
  return buildQcow2({ header, data: [] });
}
