import type { Permission } from '../../../access/permissions.ts';
import type { ThingNoun } from '../../../access/scope.ts';
import { ServiceError } from '../../../errors.ts';
import type { ImageSource } from '../../../images/create-image.ts';
import type { ObjectName } from '../../../lib/object-name.ts';
import type { ResourceStatus } from '../../../resources/resource-status.ts';
import { unlessMissing } from '../../authorized.ts';
import type { Call } from '../../call.ts';
import { gibBytes } from '../gib.ts';
import { pathOf, type ResourceReference } from '../naming/links.ts';
import { findNamed } from '../naming/named-resource.ts';
import { findProject, type Project, type ProjectFunctions } from '../naming/projects.ts';
import type { WantedSource } from './image-source.ts';

/** What may be a source: what is made of it has at least so many bytes. */
interface Sized {
  readonly id: string;
  readonly folderId: string;
  readonly status: ResourceStatus;
  readonly minDiskSizeBytes?: number;
  readonly diskSizeBytes?: number;
  readonly sizeBytes?: number;
}

/** What finds the sources that requests name, with what it needs already bound. */
export interface SourceFunctions extends ProjectFunctions, ArchiveFunctions {
  findImageInFolder(request: { folderId: string; reference: string }): Promise<Sized | undefined>;
  /** Throws NOT_FOUND. */
  getLatestByFamily(request: { folderId: string; family: string }): Promise<Sized>;
  findSnapshotInFolder(request: { folderId: string; reference: string }): Promise<Sized | undefined>;
  findDiskInZone(request: { folderId: string; zoneId: string; reference: string }): Promise<Sized | undefined>;
  /** The attachment by which somebody writes to the disk; undefined when nobody does. */
  findWriter(diskId: string): Promise<string | undefined>;
}

/** What finds objects of buckets. */
export interface ArchiveFunctions {
  /** An object of a bucket that is kept here, and whose it is; undefined for one that is elsewhere. Throws NOT_FOUND. */
  findObject(object: ObjectName): Promise<{ readonly uri: string; readonly folderId: string } | undefined>;
  /** Where an object is that is not kept here. */
  objectUri(object: ObjectName): string;
}

export interface SourceContext {
  readonly project: Project;
  /** Take a disk that is being written to as it is at this moment. */
  readonly forceCreate: boolean;
  readonly call: Call;
}

/** The source of an image that a request asks for, once the caller may use it. */
export type FindSource = (wanted: WantedSource, context: SourceContext) => Promise<ImageSource>;

/** A source that is stored here. */
export interface StoredSource {
  readonly kind: 'image' | 'disk' | 'snapshot';
  readonly id: string;
  /** The project as the request has it. */
  readonly folderName: string;
  /** What is made of it has at least so many bytes. */
  readonly minSizeBytes: number;
}

/** The kinds of source: how errors call one, and what it takes to make something of it. */
const kinds = {
  image: { noun: 'Image', use: 'compute.images.use' },
  family: { noun: 'Image', use: 'compute.images.use' },
  snapshot: { noun: 'Snapshot', use: 'compute.snapshots.use' },
  disk: { noun: 'Disk', use: 'compute.disks.use' },
} as const satisfies Readonly<Record<ResourceReference['kind'], { noun: ThingNoun; use: Permission }>>;

export function createFindSource(functions: SourceFunctions): FindSource {
  return async (wanted, context) => {
    if (wanted.kind === 'archive') return await findArchive(functions, wanted, context);
    const { kind, id, folderName } = await findStored(functions, wanted.reference, context.call);
    switch (kind) {
      case 'image':
        return { kind, imageId: id, folderName };
      case 'snapshot':
        return { kind, snapshotId: id, folderName };
      case 'disk':
        if (!context.forceCreate) await refuseUsed(functions, id, wanted.reference);
        return { kind, diskId: id, folderName };
    }
  };
}

/** The image, snapshot or disk that a request names, once the caller may make something of it. */
export async function findStored(
  functions: SourceFunctions,
  reference: ResourceReference,
  call: Call,
): Promise<StoredSource> {
  const { folderId } = await findProject(functions, reference.project, call);
  const { noun, use } = kinds[reference.kind];
  const { name } = reference;
  const path = pathOf(reference);
  const found = await findNamed({ noun, name, path, find: () => find(functions, folderId, reference) }, call, use);
  if (found.status !== 'READY') throw notReady(path);
  const { id, minDiskSizeBytes = 0, diskSizeBytes = 0, sizeBytes = 0 } = found;
  const minSizeBytes = Math.max(minDiskSizeBytes, diskSizeBytes, sizeBytes);
  const kind = reference.kind === 'family' ? 'image' : reference.kind;
  return { kind, id, folderName: reference.project, minSizeBytes };
}

function notReady(path: string): ServiceError {
  return new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'RESOURCE_NOT_READY',
    message: `The resource '${path}' is not ready`,
  });
}

function find(functions: SourceFunctions, folderId: string, named: ResourceReference): Promise<Sized | undefined> {
  const { name: reference } = named;
  switch (named.kind) {
    case 'image':
      return functions.findImageInFolder({ folderId, reference });
    case 'family':
      return unlessMissing(() => functions.getLatestByFamily({ folderId, family: reference }));
    case 'snapshot':
      return functions.findSnapshotInFolder({ folderId, reference });
    case 'disk':
      return functions.findDiskInZone({ folderId, zoneId: named.zone, reference });
  }
}

/** What a disk holds while somebody writes to it is nothing that a guest would start from gladly: who wants it says so. */
async function refuseUsed({ findWriter }: SourceFunctions, diskId: string, reference: ResourceReference) {
  const attachmentId = await findWriter(diskId);
  if (attachmentId === undefined) return;
  const path = pathOf(reference);
  throw new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'RESOURCE_IN_USE',
    message: `The disk resource '${path}' is already being used by 'projects/${reference.project}/attachments/${attachmentId}'`,
  });
}

/** One kept here is read as what it is; any other one where the operator has objects. */
async function findArchive(
  { findObject, objectUri }: SourceFunctions,
  { url, object: name, sha1 }: WantedSource & { kind: 'archive' },
  { call }: SourceContext,
): Promise<ImageSource> {
  const form = { kind: 'uri', form: 'raw-tar-gz', roundUpToBytes: gibBytes, ...(sha1 === '' ? {} : { sha1 }) } as const;
  try {
    const object = await findObject(name);
    if (object === undefined) return { ...form, uri: objectUri(name) };
    await call.authorize({ folderId: object.folderId }, 'compute.images.create');
    return { ...form, uri: object.uri, objectsFolderId: object.folderId };
  } catch (error) {
    throw error instanceof ServiceError && hidden.has(error.code) ? noSuchObject(url) : error;
  }
}

/** What is not there and what may not be read are the same to who asks. */
const hidden: ReadonlySet<string> = new Set(['NOT_FOUND', 'PERMISSION_DENIED']);

function noSuchObject(url: string): ServiceError {
  return new ServiceError({
    code: 'NOT_FOUND',
    reason: 'RESOURCE_NOT_FOUND',
    message: `The resource '${url}' of type 'Google Cloud Storage object' was not found.`,
  });
}
