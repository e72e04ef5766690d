import { readBlockTable } from '../block-table.ts';
import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import type { Geometry } from './geometry.ts';
import { directoryBytes } from './geometry.ts';
import { markerBytes, markerFault, markerTypes } from './marker.ts';

/**
 * Reads a grain directory: the sector of each grain table, 0 where there is none. 8 MiB for the largest there can be.
 *
 * @throws ImageRefused when a table is not within the file
 */
export async function readGrainDirectory(
  source: ByteSource,
  offset: number,
  geometry: Geometry,
  options?: ReadOptions,
): Promise<Uint32Array> {
  if (geometry.streamed) await checkMarker(source, offset, geometry.tables, options);
  const directory = await readBlockTable(source, { offset, entries: geometry.tables, littleEndian: true }, options);
  const lastSector = Math.floor((source.sizeBytes - geometry.tableBytes) / sectorBytes);
  const past = directory.findIndex((sector) => sector > lastSector);
  if (past !== -1) {
    throw new ImageRefused({
      check: 'vmdk.truncated',
      reason: `Grain table ${past} stands at sector ${directory[past]}, but the file has only ${source.sizeBytes} bytes: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  }
  return directory;
}

async function checkMarker(source: ByteSource, offset: number, tables: number, options?: ReadOptions): Promise<void> {
  const marker = await source.read(offset - markerBytes, markerBytes, options);
  const fault = markerFault(marker, markerTypes.grainDirectory, directoryBytes(tables) / sectorBytes);
  if (fault !== undefined) throw new ImageRefused({ check: 'vmdk.marker', reason: `The file is damaged: ${fault}.` });
}
