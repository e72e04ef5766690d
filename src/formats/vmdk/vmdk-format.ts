import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { type MappedFile, readableFormat } from '../disk-format.ts';
import type { VmdkReport } from '../disk-report.ts';
import { databaseValue } from './descriptor.ts';
import type { Geometry } from './geometry.ts';
import { hasFlag, isVmdk, vmdkFlags } from './header.ts';
import { headerChecks } from './header-checks.ts';
import { openGrainMap } from './open-grain-map.ts';
import { readFacts, type VmdkFacts } from './vmdk-facts.ts';

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

async function openMap(source: ByteSource, facts: VmdkFacts, options?: ReadOptions): Promise<MappedFile> {
  const { map, geometry } = await openGrainMap(source, facts, options);
  return { map, report: reportOn(facts, geometry) };
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
    adapterType: databaseValue(descriptor, 'ddb.adapterType'),
    hardwareVersion: databaseValue(descriptor, 'ddb.virtualHWVersion'),
  };
}
