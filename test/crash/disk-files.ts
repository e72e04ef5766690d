import { createHash } from 'node:crypto';
import { noise } from '../fixtures/guest.ts';
import { buildQcow2, clusterBytes, copied, dataOffset } from '../fixtures/qcow2-builder.ts';

/** A virtual disk file and what must come back of it. */
export interface DiskFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** More headers to serve it with. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the guest bytes, in hexadecimal digits. */
  readonly guestSha256: string;
}

const kib = 1024;
const mib = 1024 * kib;
/** A run that several files share; longer than the longest chunk, so that whole chunks are shared. */
const runBytes = 512 * kib;

/**
 * Small files of which each shares runs with others: raw and qcow2, with holes, with a ragged end, and some that are copied
 * to the spool first because their server says what SHA-256 they have.
 */
export function makeDiskFiles(count: number): DiskFile[] {
  return Array.from({ length: count }, (_, index) => {
    const guest = Buffer.alloc(2 * mib + (index % 3) * 512);
    for (let run = 0; run < 3; run += 1) {
      // Each run of noise is in three files, in another place of each.
      noise(runBytes, (index + run) % count).copy(guest, (run + (index % 2)) * runBytes);
    }
    guest.writeUInt32LE(index + 1, 1_900_000);
    const isQcow2 = index % 2 === 1;
    const bytes = isQcow2 ? wrapQcow2(guest) : guest;
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    return {
      name: `disk-${index}.${isQcow2 ? 'qcow2' : 'raw'}`,
      bytes,
      headers: index % 4 < 2 ? {} : { 'repr-digest': `sha-256=:${sha256}:` },
      guestSha256: sha256Of(guest),
    };
  });
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The guest as a qcow2 file; its size must be a whole number of sectors. Zero clusters are left out. */
export function wrapQcow2(guest: Buffer): Buffer {
  const data: Buffer[] = [];
  const l2: bigint[] = [];
  for (let offset = 0; offset < guest.length; offset += clusterBytes) {
    const cluster = guest.subarray(offset, offset + clusterBytes);
    if (cluster.every((byte) => byte === 0)) {
      l2.push(0n);
      continue;
    }
    l2.push(copied(dataOffset(data.length + extraL2(guest.length))));
    data.push(cluster);
  }
  return Buffer.from(build(guest.length, l2, data));
}

/** Entries that one L2 table of one cluster has. */
const entriesPerTable = clusterBytes / 8;

/** Clusters for L2 tables beyond the first, which the builder has a place for. */
function extraL2(guestBytes: number): number {
  return Math.ceil(guestBytes / clusterBytes / entriesPerTable) - 1;
}

/** More L2 tables than the builder's one are put in front of the data, as if they were data. */
function build(size: number, l2: readonly bigint[], data: readonly Buffer[]): Buffer {
  const tables = Array.from({ length: extraL2(size) }, (_, index) => {
    const table = Buffer.alloc(clusterBytes);
    const start = (index + 1) * entriesPerTable;
    for (const [place, entry] of l2.slice(start, start + entriesPerTable).entries()) {
      table.writeBigUInt64BE(BigInt.asUintN(64, entry), place * 8);
    }
    return table;
  });
  const l1 = [copied(4 * clusterBytes), ...tables.map((_, index) => copied(dataOffset(index)))];
  return buildQcow2({
    header: { size, l1_size: l1.length },
    l1,
    l2: l2.slice(0, entriesPerTable),
    data: [...tables, ...data],
  });
}
