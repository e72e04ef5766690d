import type { ByteSource, ReadOptions } from '../byte-source.ts';
import type { DiskFormat } from '../disk-format.ts';
import type { VmdkReport } from '../disk-report.ts';
import { ImageRefused } from '../image-refused.ts';
import { type Descriptor, type DescriptorExtent, databaseValue, quoted } from './descriptor.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { hasFlag, toBytes, vmdkFlags } from './header.ts';
import { maxTables } from './header-checks.ts';
import { openGrainMap } from './open-grain-map.ts';
import { readExtentFacts } from './split-extent.ts';
import { inExtent, type MappedExtent, SplitMap } from './split-map.ts';
import type { VmdkFacts } from './vmdk-facts.ts';

/** Tables kept of all parts together: they describe 256 GiB of guest with grains of 64 KiB. */
const cacheBytes = 16 * 1024 * 1024;

/** A line of the descriptor, and its file; undefined where the line says that the part is zeros. */
export interface SplitExtent {
  readonly line: DescriptorExtent;
  readonly file: ByteSource | undefined;
}

/** A part of which every field of the header was checked. */
interface CheckedExtent {
  readonly name: string;
  readonly file: ByteSource;
  /** Where its bytes begin in the guest. */
  readonly offset: number;
  readonly facts: VmdkFacts;
  readonly geometry: Geometry;
}

/**
 * VMDK of type twoGbMaxExtentSparse: a descriptor, and sparse files for parts of the disk of up to 2 GiB each. Which file
 * is meant by a name is the caller's to say, and that the sizes of all lines together make a disk that is read; so is the
 * descriptor's word that it is whole (`wholeDiskChecks`). Every part keeps the rules of a file of its own.
 *
 * The source to be opened is the files of all parts, one behind the other in the order of their lines.
 */
export function splitVmdk(descriptor: Descriptor, extents: readonly SplitExtent[]): DiskFormat {
  return {
    name: 'vmdk',
    recognises: () => false,
    async open(source, _probe, options) {
      const { checked, sizeBytes } = await checkExtents(descriptor, extents, options);
      const map = new SplitMap(await openMaps(checked, options), sizeBytes);
      return { format: 'vmdk', map, report: reportOn(descriptor, checked, source.sizeBytes, sizeBytes), source };
    },
  };
}

async function checkExtents(
  descriptor: Descriptor,
  extents: readonly SplitExtent[],
  options?: ReadOptions,
): Promise<{ checked: CheckedExtent[]; sizeBytes: number }> {
  const checked: CheckedExtent[] = [];
  let sizeBytes = 0;
  let tables = 0;
  for (const { line, file } of extents) {
    const offset = sizeBytes;
    sizeBytes += toBytes(line.sectors);
    if (file === undefined) continue;
    const name = quoted(line.fileName ?? '');
    const facts = await inExtent(name, () => readExtentFacts(file, descriptor, line, options));
    const geometry = geometryOf(facts);
    tables += geometry.tables;
    if (tables > maxTables) {
      throw new ImageRefused({
        check: 'vmdk.grain-directory',
        reason: `The parts of the disk up to ${name} take ${tables} grain tables; at most ${maxTables} are read.`,
      });
    }
    checked.push({ name, file, offset, facts, geometry });
  }
  return { checked, sizeBytes };
}

async function openMaps(checked: readonly CheckedExtent[], options?: ReadOptions): Promise<MappedExtent[]> {
  const mapped: MappedExtent[] = [];
  let fileOffset = 0;
  for (const { name, file, offset, facts } of checked) {
    const { map } = await inExtent(name, () =>
      openGrainMap(file, facts, { ...options, cacheBytes: Math.floor(cacheBytes / checked.length) }),
    );
    mapped.push({ name, offset, fileOffset, map });
    fileOffset += file.sizeBytes;
  }
  return mapped;
}

/** What may differ from part to part is told as the largest of them. */
function reportOn(
  descriptor: Descriptor,
  extents: readonly CheckedExtent[],
  fileBytes: number,
  guestBytes: number,
): VmdkReport {
  const headers = extents.map(({ facts: { header } }) => header);
  const open = extents.filter(({ facts: { header } }) => header.uncleanShutdown).map(({ name }) => name);
  const notes =
    open.length === 0
      ? []
      : [
          `Parts of the disk (${open.length}, the first is ${open[0]}) are marked as open: they were copied while in use, or their writer ended without closing them.`,
        ];
  return {
    format: 'vmdk',
    fileBytes,
    guestBytes,
    notes,
    variant: 'twoGbMaxExtentSparse',
    version: Math.max(0, ...headers.map(({ version }) => version)),
    grainBytes: Math.max(0, ...extents.map(({ geometry }) => geometry.grainBytes)),
    directoryIn: 'header',
    redundantTables: extents.every(({ geometry }) => geometry.redundantDirectoryOffset !== undefined),
    zeroedGrains: headers.some((header) => hasFlag(header, vmdkFlags.zeroedGrains)),
    uncleanShutdown: open.length > 0,
    adapterType: databaseValue(descriptor, 'ddb.adapterType'),
    hardwareVersion: databaseValue(descriptor, 'ddb.virtualHWVersion'),
  };
}
