import type { Caller } from '../access/caller.ts';
import type { Database, Transaction } from '../db/database.ts';
import { failedPrecondition, invalidField, notFound, sourceNotFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { uploadIdOf } from '../lib/upload-uri.ts';
import { insertFinishedOperation, insertOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { defaultHardwareGeneration, type HardwareGeneration } from '../resources/hardware-generation.ts';
import type { Os } from '../resources/os.ts';
import { useUpload } from '../uploads/use-upload.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import type { Image } from './image.ts';
import { createdImageToJson } from './image-json.ts';
import { claimImageName, insertImage, lockImage } from './image-rows.ts';
import { findImageSource, insertImageSource } from './image-source-rows.ts';
import { writeImportInput } from './import-checkpoint.ts';
import { chooseMinDiskSize } from './min-disk-size.ts';
import { createImageKind } from './operation-names.ts';

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
}

export type ImageSource =
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'image'; readonly imageId: string }
  | { readonly kind: 'disk'; readonly diskId: string }
  | { readonly kind: 'snapshot'; readonly snapshotId: string };

export interface CreateImageDeps {
  readonly db: Database;
  readonly runner: { wake(): void };
  /** Why the text cannot be the address of a source, or undefined when it can. Opens nothing. */
  readonly checkUri: (uri: string) => string | undefined;
}

/**
 * Starts making an image. From a uri: it is there as CREATING when this returns, and an operation imports its content.
 * From another image: a new name for the same content, READY when this returns. The limits on single fields are checked
 * before (they stand in the .proto); here are the rules that need more than the field.
 */
export async function createImage(deps: CreateImageDeps, request: CreateImage, caller: Caller): Promise<Operation> {
  const { source } = request;
  if (request.sourceSha256 !== '' && source.kind !== 'uri') {
    throw invalidField('source_sha256', 'it is for a file at a uri; what is stored here is verified anyway');
  }
  if (source.kind === 'uri') {
    const problem = deps.checkUri(source.uri);
    if (problem !== undefined) throw invalidField('uri', problem);
  }
  const operation = await startOnce(deps, caller, async (tx) => {
    if ((await findFolder(tx, request.folderId)) === undefined) throw notFound('Folder', request.folderId);
    switch (source.kind) {
      case 'uri':
        return startImport(tx, request, { uri: source.uri, createdBy: caller.subjectId });
      case 'image':
        return copyImage(tx, request, { sourceId: source.imageId, createdBy: caller.subjectId });
      case 'disk':
        throw sourceNotFound('Disk', source.diskId);
      case 'snapshot':
        throw sourceNotFound('Snapshot', source.snapshotId);
    }
  });
  deps.runner.wake();
  return operation;
}

async function startImport(
  tx: Transaction,
  request: CreateImage,
  { uri, createdBy }: { readonly uri: string; readonly createdBy: string },
): Promise<Operation> {
  const image = newImage(request, undefined);
  await claimImageName(tx, image, () => insertImage(tx, image));
  const operation = await insertOperation(tx, {
    ...aboutCreate(image, createdBy),
    input: writeImportInput({ uri, sourceSha256: request.sourceSha256 }),
  });
  const uploadId = uploadIdOf(uri);
  if (uploadId !== undefined) {
    await useUpload(tx, { uploadId, folderId: image.folderId, subjectId: createdBy, operationId: operation.id });
  }
  return operation;
}

async function copyImage(
  tx: Transaction,
  request: CreateImage,
  { sourceId, createdBy }: { readonly sourceId: string; readonly createdBy: string },
): Promise<Operation> {
  // Held, so that the volume stays needed by someone until this image needs it too.
  const source = await lockImage(tx, sourceId);
  if (source === undefined) throw sourceNotFound('Image', sourceId);
  if (source.status !== 'READY' || source.volumeId === undefined) {
    const message = `Image "${sourceId}" cannot be a source: it is ${source.status}, not READY`;
    throw failedPrecondition('SOURCE_NOT_READY', message);
  }
  const image: Image = {
    ...newImage(request, source),
    status: 'READY',
    sizeBytes: source.sizeBytes,
    storageSizeBytes: source.storageSizeBytes,
    minDiskSizeBytes: chooseMinDiskSize(request.minDiskSizeBytes, source.sizeBytes),
    guestDigest: source.guestDigest,
    volumeId: source.volumeId,
  };
  await claimImageName(tx, image, () => insertImage(tx, image));
  await addVolumeReference(tx, image.id, source.volumeId);
  const report = await findImageSource(tx, source.id);
  if (report !== undefined) await insertImageSource(tx, image.id, report);
  return insertFinishedOperation(tx, { ...aboutCreate(image, createdBy), result: createdImageToJson(image, report) });
}

/** What the request does not say of product ids, OS and hardware comes from the source image, if there is one. */
function newImage(request: CreateImage, source: Image | undefined): Image {
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
  };
}

function aboutCreate({ id, folderId, createdAt }: Image, createdBy: string) {
  const about = { kind: createImageKind, description: 'Create image' };
  return { ...about, folderId, resourceId: id, createdBy, now: createdAt };
}
