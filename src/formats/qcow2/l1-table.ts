import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import { readTablePieces } from '../table-pieces.ts';

/*
 * L1 entry, 8 bytes big-endian:
 *   bits  0-8   reserved, 0
 *   bits  9-55  offset of the L2 table, on a cluster border; 0: all that it would describe is unallocated
 *   bits 56-62  reserved, 0
 *   bit  63     the L2 table has a reference count of exactly one
 */
const reservedHigh = 0x7f000000;
const reservedLow = 0x1ff;

/**
 * Reads and checks the first `entries` entries of the L1 table. The answer has the cluster number of each L2 table, 0
 * where there is none: 16 MiB for the largest table there can be.
 *
 * @throws ImageRefused
 */
export async function readL1Table(
  source: ByteSource,
  table: { offset: number; entries: number; clusterBytes: number },
  options?: ReadOptions,
): Promise<Uint32Array> {
  const clusters = new Uint32Array(table.entries);
  for await (const { first, count, view } of readTablePieces(source, { ...table, entryBytes: 8 }, options)) {
    for (let i = 0; i < count; i++) {
      const high = view.getUint32(i * 8);
      const low = view.getUint32(i * 8 + 4);
      if ((high & reservedHigh) !== 0 || (low & reservedLow) !== 0) {
        throw badEntry(first + i, 'has reserved bits set');
      }
      const offset = (high & 0x00ffffff) * 2 ** 32 + low;
      if (offset % table.clusterBytes !== 0)
        throw badEntry(first + i, `points to ${offset}, which is not on a cluster border`);
      if (offset !== 0 && offset + table.clusterBytes > source.sizeBytes) {
        throw new ImageRefused({
          check: 'qcow2.truncated',
          reason: `L2 table ${first + i} stands at ${offset}, but the file has only ${source.sizeBytes} bytes: it was cut short.`,
          remedy: 'Compare its length with the original, and send it again.',
        });
      }
      clusters[first + i] = offset / table.clusterBytes;
    }
  }
  return clusters;
}

function badEntry(index: number, what: string): ImageRefused {
  return new ImageRefused({
    check: 'qcow2.l1-entry',
    reason: `L1 entry ${index} ${what}.`,
    remedy: 'Look at it where it was made: qemu-img check FILE',
  });
}
