import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import type { Probe } from '../probe.ts';
import { ClaimedSpace, maxFileBytes } from './claimed-space.ts';
import {
  headerSectionBytes,
  headersRange,
  readCreator,
  readCurrentHeader,
  regionTablesOffset,
  type VhdxHeader,
} from './headers.ts';
import { type Metadata, readMetadata } from './metadata.ts';
import { type Region, type RegionTable, readRegionTable, regionIds, regionTableBytes } from './region-table.ts';
import { type Replay, replayLog } from './replay-log.ts';

const mib = 1024 * 1024;

const regionNames: ReadonlyMap<string, string> = new Map([
  [regionIds.bat, 'block allocation table'],
  [regionIds.metadata, 'metadata region'],
]);

/** Where a region stands: within the file, on MiB borders, and over nothing else. */
export interface RegionPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** What is known of a VHDX file before its block allocation table is read. */
export interface VhdxFacts {
  /** Length of the file in bytes, before any replay. */
  readonly fileBytes: number;
  readonly creator: string;
  readonly header: VhdxHeader;
  readonly replay: Replay;
  readonly regionTable: RegionTable;
  readonly bat: RegionPlace;
  readonly metadata: Metadata;
  /** The headers, the log and the regions. */
  readonly claimed: ClaimedSpace;
}

/**
 * Reads the headers, replays the log, and reads the region table and the metadata from what that makes of the file. Each
 * of them says where the next one is, so each is checked before the next is read.
 *
 * Reads at most 17 MiB: the log, and 300 KiB of everything else.
 *
 * @throws ImageRefused
 */
export async function readFacts({ head }: Probe, source: ByteSource, options?: ReadOptions): Promise<VhdxFacts> {
  const fileBytes = source.sizeBytes;
  if (fileBytes < headerSectionBytes) throw cutShort('The header section', 0, headerSectionBytes, fileBytes);
  if (fileBytes > maxFileBytes) {
    throw refused('vhdx.file-size', `The file has ${fileBytes} bytes; the longest that is read has ${maxFileBytes}.`);
  }
  const header = readCurrentHeader(await source.read(headersRange.offset, headersRange.length, options));
  checkHeader(header, fileBytes);
  const replay = await replayLog(source, header, options);
  const file = replay.source;

  const regionTable = readRegionTable(await file.read(regionTablesOffset, 2 * regionTableBytes, options));
  const claimed = new ClaimedSpace(file.sizeBytes);
  claimed.claimSection('header section', 0, headerSectionBytes);
  claimed.claimSection('log', Number(header.logOffset), header.logBytes);
  const places = placeRegions(regionTable.regions, file.sizeBytes, claimed);
  const bat = placeOf(places, regionIds.bat);
  const metadata = await readMetadata(file, placeOf(places, regionIds.metadata), options);
  return { fileBytes, creator: readCreator(head), header, replay, regionTable, bat, metadata, claimed };
}

function checkHeader({ version, logGuid, logVersion, logOffset, logBytes }: VhdxHeader, fileBytes: number): void {
  if (version !== 1) throw refused('vhdx.version', `The file is VHDX version ${version}; only 1 is known.`);
  if (logGuid !== undefined && logVersion !== 0) {
    throw refused('vhdx.version', `The log that must be replayed is of version ${logVersion}; only 0 is known.`);
  }
  if (logBytes % mib !== 0 || logOffset % BigInt(mib) !== 0n) {
    throw refused('vhdx.log-place', `The log (${logBytes} bytes at ${logOffset}) is not on MiB borders.`);
  }
  if (logBytes === 0 && logGuid !== undefined) {
    throw refused('vhdx.log-place', 'The header says that there is a log to replay, and the log has 0 bytes.');
  }
  if (logBytes > 0 && logOffset + BigInt(logBytes) > BigInt(fileBytes)) {
    throw cutShort('The log', logOffset, logBytes, fileBytes);
  }
}

function placeRegions(
  regions: readonly Region[],
  fileBytes: number,
  claimed: ClaimedSpace,
): ReadonlyMap<string, RegionPlace> {
  const unknown = regions.find(({ id, required }) => required && !regionNames.has(id));
  if (unknown !== undefined) {
    throw refused('vhdx.unknown-region', `The file needs a region that is not known here: ${unknown.id}.`);
  }
  const places = new Map<string, RegionPlace>();
  for (const { id, offset, bytes } of regions) {
    if (offset % BigInt(mib) !== 0n || bytes % mib !== 0 || bytes === 0) {
      throw refused('vhdx.region', `The ${nameOf(id)} (${bytes} bytes at ${offset}) is not on MiB borders, or empty.`);
    }
    if (offset + BigInt(bytes) > BigInt(fileBytes)) throw cutShort(`The ${nameOf(id)}`, offset, bytes, fileBytes);
    if (places.has(id)) throw refused('vhdx.region', `The file has the ${nameOf(id)} twice.`);
    const place = { offset: Number(offset), bytes };
    claimed.claimSection(nameOf(id), place.offset, bytes);
    places.set(id, place);
  }
  return places;
}

function placeOf(places: ReadonlyMap<string, RegionPlace>, id: string): RegionPlace {
  const place = places.get(id);
  if (place === undefined) throw refused('vhdx.region', `The file has no ${nameOf(id)}.`);
  return place;
}

function nameOf(id: string): string {
  return regionNames.get(id) ?? `region ${id}`;
}

function cutShort(what: string, offset: number | bigint, bytes: number, fileBytes: number): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.truncated',
    reason: `${what} (${bytes} bytes at ${offset}) is not within the file, which has ${fileBytes} bytes: it was cut short.`,
    remedy: 'Compare its length with the original, and send it again.',
  });
}

function refused(check: string, reason: string): ImageRefused {
  return new ImageRefused({
    check,
    reason,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
