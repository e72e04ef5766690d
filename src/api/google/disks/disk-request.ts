import type { CreateDisk } from '../../../disks/create-disk.ts';
import { noPlacementPolicy } from '../../../disks/disk.ts';
import type { Disk as DiskMessage } from '../../../gen/google/cloud/compute/v1/disk_pb.ts';
import { invalidUsage, invalidValue, malformedUrl } from '../compute-errors.ts';
import { gibBytes } from '../gib.ts';
import type { StoredSource } from '../images/find-source.ts';
import { parseReference, type ResourceReference } from '../naming/links.ts';
import { checkName } from '../naming/names.ts';
import type { Project } from '../naming/projects.ts';
import { checkDescription, checkLabels, checkSize, guestDetailsOf, refuseKeys } from '../resources/resource-fields.ts';

/** Who asks for a blank disk of no size gets so much, as from the public service. */
const defaultSizeBytes = 500 * gibBytes;

/** What is not kept here: who asks for it must know. */
const keyFields = ['diskEncryptionKey', 'sourceImageEncryptionKey', 'sourceSnapshotEncryptionKey'] as const;
const otherFields = ['storagePool', 'provisionedIops', 'provisionedThroughput', 'accessMode'] as const;

/** The image or snapshot that a request wants a disk of; undefined for a blank one. */
export function wantedDiskSource(
  disk: DiskMessage,
  project: string,
): { readonly field: string; readonly reference: ResourceReference } | undefined {
  const { sourceImage = '', sourceSnapshot = '', sourceDisk = '', sourceStorageObject = '' } = disk;
  const [only, another] = [
    { field: 'resource.sourceImage', url: sourceImage, kinds: ['image', 'family'] },
    { field: 'resource.sourceSnapshot', url: sourceSnapshot, kinds: ['snapshot'] },
    { field: 'resource.sourceDisk', url: sourceDisk, kinds: [] },
    { field: 'resource.sourceStorageObject', url: sourceStorageObject, kinds: [] },
  ].filter(({ url }) => url !== '');
  if (another !== undefined) throw invalidUsage('Must specify at most one source for a disk.');
  if (only === undefined) return undefined;
  const { field, url, kinds } = only;
  if (kinds.length === 0) {
    throw invalidValue(
      field,
      url,
      'Disks are made of images and snapshots here: make one of it, and the disk of that.',
    );
  }
  const reference = parseReference(url, project);
  if (reference === undefined || !kinds.includes(reference.kind)) throw malformedUrl(field, url);
  return { field, reference };
}

/** What an insert asks for, in the core's words. Throws in the public service's. */
export function createDiskOf(
  disk: DiskMessage,
  {
    project,
    zoneId,
    source,
  }: { readonly project: Project; readonly zoneId: string; readonly source: StoredSource | undefined },
): CreateDisk {
  refuseWhatIsNotKept(disk);
  if (source?.kind === 'disk') throw new Error('a disk is no source of a disk');
  return {
    folderId: project.folderId,
    name: checkName('resource.name', disk.name ?? ''),
    description: checkDescription(disk.description ?? ''),
    labels: checkLabels(disk.labels),
    typeId: typeOf(disk.type ?? ''),
    zoneId,
    sizeBytes: sizeOf(disk, source),
    blockSizeBytes: Number(disk.physicalBlockSizeBytes ?? 0n),
    source: source === undefined ? undefined : { kind: source.kind, id: source.id },
    ...(source === undefined ? {} : { sourceFolderName: source.folderName }),
    placementPolicy: noPlacementPolicy,
    hardwareGeneration: undefined,
    guest: guestDetailsOf(disk),
  };
}

function refuseWhatIsNotKept(disk: DiskMessage): void {
  refuseKeys(disk, keyFields);
  if (disk.enableConfidentialCompute === true) {
    throw invalidValue('resource.enableConfidentialCompute', 'true', 'Confidential computing is not supported.');
  }
  for (const field of otherFields) {
    const value = disk[field];
    if (value === undefined || value === '') continue;
    throw invalidValue(`resource.${field}`, String(value), 'It is not supported: leave it out.');
  }
  for (const [field, values] of [
    ['replicaZones', disk.replicaZones],
    ['resourcePolicies', disk.resourcePolicies],
  ] as const) {
    if (values.length > 0)
      throw invalidValue(`resource.${field}`, values.join(', '), 'It is not supported: leave it out.');
  }
}

/** The last word of a type's URL, in whatever form; '' leaves it to the service. */
function typeOf(url: string): string {
  const [, name] = /(?:^|\/diskTypes\/)([a-z][-a-z0-9]{0,62})$/.exec(url) ?? [];
  if (url === '') return '';
  if (name === undefined) throw malformedUrl('resource.type', url);
  return name;
}

function sizeOf({ sizeGb }: DiskMessage, source: StoredSource | undefined): number {
  const wanted = checkSize('resource.sizeGb', sizeGb);
  if (source === undefined) return wanted === 0 ? defaultSizeBytes : wanted;
  if (wanted === 0) return Math.ceil(source.minSizeBytes / gibBytes) * gibBytes;
  if (wanted >= source.minSizeBytes) return wanted;
  const least = Math.ceil(source.minSizeBytes / gibBytes);
  const remedy = `Requested disk size cannot be smaller than the ${source.kind} size (${least} GB)`;
  throw invalidValue('resource.sizeGb', String(sizeGb), remedy);
}
