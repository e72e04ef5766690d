import type { Caller } from '../access/caller.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Disk } from '../disks/disk.ts';
import type { DiskContents, Frozen } from '../disks/disk-contents.ts';
import { lockDiskSource } from '../disks/disk-source.ts';
import { frozenContentOf, volumeOfContent } from '../disks/frozen-content.ts';
import { startFromDisk } from '../disks/start-from-disk.ts';
import { invalidField, notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import type { JsonObject } from '../lib/json.ts';
import { uploadIdOf } from '../lib/upload-uri.ts';
import { insertFinishedOperation, insertOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertRoomInQuota, assertWithinQuotas, type QuotaNeeds } from '../quotas/check-quotas.ts';
import { type ContentSource, type HeldVolume, holdSource } from '../resources/content-source.ts';
import { type GuestDetails, inheritGuestDetails } from '../resources/guest-details.ts';
import { defaultHardwareGeneration, type HardwareGeneration } from '../resources/hardware-generation.ts';
import { operationOn } from '../resources/operation-on.ts';
import { originOf } from '../resources/origin.ts';
import type { Os } from '../resources/os.ts';
import { lockSnapshotSource } from '../snapshots/snapshot-rows.ts';
import { useUpload } from '../uploads/use-upload.ts';
import { addVolumeReference, findVolume } from '../volumes/volume-rows.ts';
import type { FileForm } from '../wrappers/file-form.ts';
import type { Deprecation } from './deprecation.ts';
import type { Image } from './image.ts';
import { createdImageToJson } from './image-json.ts';
import { claimImageName, insertImage } from './image-rows.ts';
import { lockImageSource } from './image-source.ts';
import { findImageSource, insertImageSource } from './image-source-rows.ts';
import { writeImportInput } from './import-checkpoint.ts';
import { checkInitialState, insertInitialState } from './initial-state.ts';
import { chooseMinDiskSize } from './min-disk-size.ts';
import { createImageKind } from './operation-names.ts';
import type { SourceReport } from './source-report.ts';
import { writeDiskInput } from './store-disk-image.ts';

export interface CreateImage {
  readonly folderId: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly family: string;
  /** 0 when not given. */
  readonly minDiskSizeBytes: number;
  /** Empty when not given. */
  readonly productIds: readonly string[];
  readonly source: ImageSource;
  readonly os: Os | undefined;
  readonly pooled: boolean;
  readonly hardwareGeneration: HardwareGeneration | undefined;
  /** What the file at a uri must be: its SHA-256 in hexadecimal digits, or '' when it is not said. */
  readonly sourceSha256: string;
  /** Likewise its SHA-512. */
  readonly sourceSha512: string;
  /** What is said of the guest; the rest comes from the source. */
  readonly guest?: GuestDetails;
  readonly storageLocations?: readonly string[];
  readonly deprecation?: Deprecation;
  /** See initial-state.ts. */
  readonly initialState?: JsonObject;
}

export type ImageSource =
  | {
      readonly kind: 'uri';
      readonly uri: string;
      /** The folder of the object that the uri is of, where the caller was found to be allowed to read it; the image's by default. */
      readonly objectsFolderId?: string;
      /** Which files are taken; any by default. */
      readonly form?: FileForm;
      /** What the file must be: its SHA-1 in 40 lower-case hexadecimal digits. For compatibility alone. */
      readonly sha1?: string;
      /** The disk is made a whole number of these, by zeros at its end; as it is in the file by default. */
      readonly roundUpToBytes?: number;
    }
  | (StoredSource & { readonly kind: 'image'; readonly imageId: string })
  | (StoredSource & { readonly kind: 'disk'; readonly diskId: string })
  | (StoredSource & { readonly kind: 'snapshot'; readonly snapshotId: string });

interface StoredSource {
  /** What the caller calls the folder that it is in, for the image's origin; by default its id. */
  readonly folderName?: string;
}

export interface CreateImageDeps {
  readonly db: Database;
  readonly contents: DiskContents;
  readonly runner: { wake(): void };
  /** Why the text cannot be the address of a source, or undefined when it can. Opens nothing. */
  readonly checkUri: (uri: string) => string | undefined;
}

/**
 * Starts making an image. From a uri: it is there as CREATING when this returns, and an operation imports its content.
 * From another image or a snapshot: a new name for the same content, READY when this returns. From a disk: what the disk
 * holds at this moment, READY at once when that is stored already. The limits on single fields are checked
 * before (they stand in the .proto); here are the rules that need more than the field. Throws RESOURCE_EXHAUSTED when the
 * cloud has used up a quota.
 */
export async function createImage(deps: CreateImageDeps, request: CreateImage, caller: Caller): Promise<Operation> {
  const { source } = request;
  for (const [field, digest] of [
    ['source_sha256', request.sourceSha256],
    ['source_sha512', request.sourceSha512],
  ] as const) {
    if (digest === '' || source.kind === 'uri') continue;
    throw invalidField(field, 'it is for a file at a uri; what is stored here is verified anyway');
  }
  if (source.kind === 'uri') {
    const problem = deps.checkUri(source.uri);
    if (problem !== undefined) throw invalidField('uri', problem);
  }
  if (request.initialState !== undefined) checkInitialState(request.initialState);
  const operation = await start(deps, request, caller);
  deps.runner.wake();
  return operation;
}

function start(deps: CreateImageDeps, request: CreateImage, caller: Caller): Promise<Operation> {
  const { folderId, source } = request;
  const createdBy = caller.subjectId;
  const checkFolder = async (tx: Transaction) => {
    if ((await findFolder(tx, folderId)) === undefined) throw notFound('Folder', folderId);
  };
  if (source.kind === 'disk') {
    return startFromDisk(deps, source, caller, async (tx, frozen) => {
      await checkFolder(tx);
      const disk = await holdSource(tx, lockDiskSource, { noun: 'Disk', id: source.diskId, folderId });
      const volume = volumeOfContent(disk, frozen);
      if (volume !== undefined) return copyContent(tx, request, { source: disk, volume, createdBy });
      return startStoring(tx, request, { disk, frozen, createdBy });
    });
  }
  return startOnce(deps, caller, async (tx) => {
    await checkFolder(tx);
    switch (source.kind) {
      case 'uri':
        return startImport(tx, request, { source, createdBy });
      case 'image': {
        const image = await holdSource(tx, lockImageSource, { noun: 'Image', id: source.imageId, folderId });
        const report = await findImageSource(tx, image.id);
        return copyContent(tx, request, { source: image, volume: image.volume, report, createdBy });
      }
      case 'snapshot': {
        const id = source.snapshotId;
        const snapshot = await holdSource(tx, lockSnapshotSource, { noun: 'Snapshot', id, folderId });
        return copyContent(tx, request, { source: snapshot, volume: snapshot.volume, createdBy });
      }
    }
  });
}

async function startImport(
  tx: Transaction,
  request: CreateImage,
  { source, createdBy }: { readonly source: ImageSource & { kind: 'uri' }; readonly createdBy: string },
): Promise<Operation> {
  const { uri, sha1: sourceSha1 = '', form = 'any', roundUpToBytes = 1, objectsFolderId } = source;
  const { sourceSha256, sourceSha512 } = request;
  const image = newImage(request, undefined);
  await insertNamed(tx, image, request);
  await assertAnyRoom(tx, image);
  const operation = await insertOperation(tx, {
    ...aboutCreate(image, createdBy),
    input: writeImportInput({ uri, sourceSha256, sourceSha512, sourceSha1, form, roundUpToBytes }),
  });
  const uploadId = uploadIdOf(uri);
  if (uploadId !== undefined) {
    const { folderId } = image;
    await useUpload(tx, { uploadId, folderId, objectsFolderId, subjectId: createdBy, operationId: operation.id });
  }
  await assertWithinQuotas(tx, image.folderId, { ...needsOf(image), 'compute.operations.count': 1 });
  return operation;
}

interface Disposition {
  readonly source: ContentSource;
  readonly volume: HeldVolume | undefined;
  /** What was found in the file that the source was made from. */
  readonly report?: SourceReport | undefined;
  readonly createdBy: string;
}

/** Gives a volume that is there a new name. */
async function copyContent(
  tx: Transaction,
  request: CreateImage,
  { source, volume: held, report, createdBy }: Disposition,
): Promise<Operation> {
  const volume = held === undefined ? undefined : await findVolume(tx, held.volumeId);
  if (held === undefined || volume === undefined) throw new Error(`the source has no volume ${held?.volumeId}`);
  const image: Image = {
    ...newImage(request, source),
    status: 'READY',
    sizeBytes: held.sizeBytes,
    storageSizeBytes: volume.storedBytes,
    minDiskSizeBytes: chooseMinDiskSize(request.minDiskSizeBytes, held.sizeBytes),
    guestDigest: held.guestDigest,
    volumeId: held.volumeId,
  };
  await insertNamed(tx, image, request);
  await assertWithinQuotas(tx, image.folderId, needsOf(image));
  await addVolumeReference(tx, image.id, volume.id);
  if (report !== undefined) await insertImageSource(tx, image.id, report);
  return insertFinishedOperation(tx, { ...aboutCreate(image, createdBy), result: createdImageToJson(image, report) });
}

interface Storing {
  readonly disk: Disk & ContentSource;
  readonly frozen: Frozen | undefined;
  readonly createdBy: string;
}

/** Stores what the disk holds now, later; until then the image holds the disk's base. */
async function startStoring(
  tx: Transaction,
  request: CreateImage,
  { disk, frozen, createdBy }: Storing,
): Promise<Operation> {
  const minDiskSizeBytes = chooseMinDiskSize(request.minDiskSizeBytes, disk.sizeBytes);
  const image = { ...newImage(request, disk), minDiskSizeBytes };
  await insertNamed(tx, image, request);
  await assertAnyRoom(tx, image);
  if (disk.base !== undefined) await addVolumeReference(tx, image.id, disk.base.volumeId);
  const input = writeDiskInput(frozenContentOf(disk, frozen));
  const nodeId = frozen?.nodeId ?? '';
  const operation = await insertOperation(tx, { ...aboutCreate(image, createdBy), input, nodeId });
  await assertWithinQuotas(tx, image.folderId, { ...needsOf(image), 'compute.operations.count': 1 });
  return operation;
}

async function insertNamed(tx: Transaction, image: Image, { initialState }: CreateImage): Promise<void> {
  await claimImageName(tx, image, () => insertImage(tx, image));
  if (initialState !== undefined) await insertInitialState(tx, image.id, initialState);
}

/** What will be stored is not known yet, but it will be something. */
function assertAnyRoom(tx: Transaction, { folderId }: Image): Promise<void> {
  return assertRoomInQuota(tx, folderId, 'compute.images.size', 1);
}

/** What an image takes of its cloud's quotas. */
function needsOf({ pooled, storageSizeBytes }: Image): QuotaNeeds {
  return {
    'compute.images.count': 1,
    'compute.images.size': storageSizeBytes,
    'compute.diskPools.count': pooled ? 1 : 0,
  };
}

/** What the request does not say of product ids, OS, hardware and guest comes from the source, if there is one. */
function newImage(request: CreateImage, source: ContentSource | undefined): Image {
  const origin =
    source === undefined || request.source.kind === 'uri'
      ? undefined
      : originOf(request.source.kind, source, request.source.folderName);
  return {
    id: newId('fd8'),
    folderId: request.folderId,
    createdAt: new Date(),
    name: request.name,
    description: request.description,
    labels: request.labels,
    family: request.family,
    storageSizeBytes: 0,
    minDiskSizeBytes: request.minDiskSizeBytes,
    productIds: request.productIds.length > 0 ? request.productIds : (source?.productIds ?? []),
    status: 'CREATING',
    os: request.os ?? source?.os ?? { type: 'LINUX', nvidiaDriver: '' },
    pooled: request.pooled,
    hardwareGeneration: request.hardwareGeneration ?? source?.hardwareGeneration ?? defaultHardwareGeneration,
    sizeBytes: 0,
    guestDigest: '',
    volumeId: undefined,
    guest: inheritGuestDetails(request.guest, source?.guest),
    storageLocations: request.storageLocations ?? [],
    deprecation: request.deprecation,
    origin,
  };
}

function aboutCreate(image: Image, createdBy: string) {
  const about = { kind: createImageKind, description: 'Create image' };
  return { ...about, ...operationOn(image), createdBy, now: image.createdAt };
}
