import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { footerBytes } from './footer.ts';
import { directoryBytes, type Geometry, geometryOf } from './geometry.ts';
import { readGrainDirectory } from './grain-directory.ts';
import { GrainTables, mustHaveSameTables } from './grain-tables.ts';
import { hasFlag, headerBytes, toBytes, vmdkFlags } from './header.ts';
import { NamedGrains } from './named-grains.ts';
import { TablePlaces } from './table-places.ts';
import type { VmdkFacts } from './vmdk-facts.ts';
import { VmdkMap } from './vmdk-map.ts';

export interface OpenGrainMapOptions extends ReadOptions {
  /** Grain tables that are kept, in bytes; 4 MiB where it is not given. */
  readonly cacheBytes?: number;
}

export interface GrainMap {
  readonly map: VmdkMap;
  readonly geometry: Geometry;
}

/**
 * Reads the grain directories of one file, of which every field was checked: what is a bigint in the header is a safe
 * number.
 *
 * @throws ImageRefused when the directories disagree, or tables are where they cannot be
 */
export async function openGrainMap(
  source: ByteSource,
  facts: VmdkFacts,
  options: OpenGrainMapOptions = {},
): Promise<GrainMap> {
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
  const tables = new GrainTables(source, { geometry, directory, redundant, named, cacheBytes: options.cacheBytes });
  const zeroedGrains = hasFlag(header, vmdkFlags.zeroedGrains);
  return { map: new VmdkMap({ fileBytes, geometry, zeroedGrains, tables, places }), geometry };
}

function fixedPlaces(facts: VmdkFacts, geometry: Geometry): { name: string; start: number; bytes: number }[] {
  const { directoryOffset, redundantDirectoryOffset, tables, streamed } = geometry;
  const { descriptorOffset, descriptorSize } = facts.header;
  const directory = (name: string, start: number) => ({ name, start, bytes: directoryBytes(tables) });
  return [
    { name: 'header', start: 0, bytes: headerBytes },
    { name: 'descriptor', start: toBytes(descriptorOffset), bytes: toBytes(descriptorSize) },
    directory('grain directory', directoryOffset),
    ...(redundantDirectoryOffset === undefined
      ? []
      : [directory('redundant grain directory', redundantDirectoryOffset)]),
    ...(streamed ? [{ name: 'footer', start: facts.fileBytes - footerBytes, bytes: footerBytes }] : []),
  ];
}
