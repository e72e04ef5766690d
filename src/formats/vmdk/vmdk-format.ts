import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { type MappedFile, readableFormat } from '../disk-format.ts';
import type { VmdkReport } from '../disk-report.ts';
import { printable } from '../printable.ts';
import { footerBytes } from './footer.ts';
import { directoryBytes, type Geometry, geometryOf } from './geometry.ts';
import { readGrainDirectory } from './grain-directory.ts';
import { GrainTables, mustHaveSameTables } from './grain-tables.ts';
import { hasFlag, isVmdk, toBytes, vmdkFlags } from './header.ts';
import { headerChecks } from './header-checks.ts';
import { NamedGrains } from './named-grains.ts';
import { TablePlaces } from './table-places.ts';
import { readFacts, type VmdkFacts } from './vmdk-facts.ts';
import { VmdkMap } from './vmdk-map.ts';

/**
 * VMDK in one file: monolithicSparse and streamOptimized, versions 1 to 3, with its descriptor in it. The grain directory
 * may be told in the header or in a footer. A file that needs another file is refused.
 *
 * The extents of an OVA are ordinary files of this kind.
 */
export const vmdk = readableFormat<VmdkFacts>({
  name: 'vmdk',
  recognises: ({ head }) => isVmdk(head),
  readFacts,
  checks: headerChecks,
  openMap,
});

/** From here on every field of the header was checked: what is a bigint there is a safe number. */
async function openMap(source: ByteSource, facts: VmdkFacts, options?: ReadOptions): Promise<MappedFile> {
  const { fileBytes, header } = facts;
  const geometry = geometryOf(facts);
  const directory = await readGrainDirectory(source, geometry.directoryOffset, geometry, options);
  const redundant =
    geometry.redundantDirectoryOffset === undefined
      ? undefined
      : await readGrainDirectory(source, geometry.redundantDirectoryOffset, geometry, options);
  if (redundant !== undefined) mustHaveSameTables(directory, redundant);
  const places = new TablePlaces(
    fixedPlaces(facts, geometry),
    redundant === undefined ? [directory] : [directory, redundant],
    geometry.tableBytes,
  );
  const named = new NamedGrains({ fileBytes, ...geometry });
  const tables = new GrainTables(source, geometry, directory, redundant, named);
  const zeroedGrains = hasFlag(header, vmdkFlags.zeroedGrains);
  const map = new VmdkMap({ fileBytes, geometry, zeroedGrains, tables, places });
  return { map, report: reportOn(facts, geometry) };
}

function fixedPlaces(facts: VmdkFacts, geometry: Geometry): { name: string; start: number; bytes: number }[] {
  const { directoryOffset, redundantDirectoryOffset, tables, streamed } = geometry;
  const { descriptorOffset, descriptorSize } = facts.header;
  const directory = (name: string, start: number) => ({ name, start, bytes: directoryBytes(tables) });
  return [
    { name: 'header', start: 0, bytes: toBytes(descriptorOffset) },
    { name: 'descriptor', start: toBytes(descriptorOffset), bytes: toBytes(descriptorSize) },
    directory('grain directory', directoryOffset),
    ...(redundantDirectoryOffset === undefined
      ? []
      : [directory('redundant grain directory', redundantDirectoryOffset)]),
    ...(streamed ? [{ name: 'footer', start: facts.fileBytes - footerBytes, bytes: footerBytes }] : []),
  ];
}

function reportOn(facts: VmdkFacts, geometry: Geometry): VmdkReport {
  const { header, descriptor } = facts;
  const notes: string[] = [];
  if (header.uncleanShutdown) {
    notes.push('The file is marked as open: it was copied while in use, or its writer ended without closing it.');
  }
  if (descriptor.values.has('changetrackpath')) {
    notes.push('A list of changed blocks (changeTrackPath) was left behind.');
  }
  return {
    format: 'vmdk',
    fileBytes: facts.fileBytes,
    guestBytes: geometry.guestBytes,
    notes,
    variant: geometry.compressed ? 'streamOptimized' : 'monolithicSparse',
    version: header.version,
    grainBytes: geometry.grainBytes,
    directoryIn: geometry.streamed ? 'footer' : 'header',
    redundantTables: geometry.redundantDirectoryOffset !== undefined,
    zeroedGrains: hasFlag(header, vmdkFlags.zeroedGrains),
    uncleanShutdown: header.uncleanShutdown,
    adapterType: databaseValue(facts, 'ddb.adapterType'),
    hardwareVersion: databaseValue(facts, 'ddb.virtualHWVersion'),
  };
}

function databaseValue({ descriptor }: VmdkFacts, key: string): string | null {
  const value = descriptor.database.get(key);
  return value === undefined ? null : printable(value.slice(0, 64));
}
