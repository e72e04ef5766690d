import type { Transaction } from '../db/database.ts';
import { type FrozenContent, frozenContentFromJson, frozenContentToJson } from '../disks/frozen-content.ts';
import { commitDiskContent, type StoreDiskContentDeps, storeDiskContent } from '../disks/store-disk-content.ts';
import { type JsonObject, type JsonValue, objectOf } from '../lib/json.ts';
import type { Commit, OperationContext } from '../operations/kind.ts';
import type { WrittenVolume } from '../volumes/write-volume.ts';
import { createdImageToJson } from './image-json.ts';
import { ImportProgress } from './import-progress.ts';
import { sealImage } from './seal-image.ts';

/** The input of an `image.create` operation that stores what a disk held. */
export function writeDiskInput(content: FrozenContent): JsonObject {
  return { disk: frozenContentToJson(content) };
}

/** Undefined for the input of an import. */
export function readDiskInput(input: unknown): FrozenContent | undefined {
  const { disk } = objectOf(input, 'input of image.create');
  return disk === undefined ? undefined : frozenContentFromJson(disk);
}

/** Makes the content of an image from what a disk held. May be run again after any interruption. */
export async function storeDiskImage(
  deps: StoreDiskContentDeps,
  context: OperationContext,
  content: FrozenContent,
): Promise<Commit> {
  const progress = new ImportProgress(context.report, deps.store.now);
  progress.guestBytes = content.sizeBytes;
  progress.enter('importing');
  const written = await storeDiskContent(deps, context, content, (bytes) => progress.passed(bytes));
  progress.enter('sealing');
  return (tx) => seal(tx, context.operation.resourceId, written);
}

/** Volume, image READY and operation done become true in one transaction. */
async function seal(tx: Transaction, imageId: string, written: WrittenVolume): Promise<JsonValue> {
  const { storedBytes: storageSizeBytes, ...volume } = await commitDiskContent(tx, written, imageId);
  return createdImageToJson(await sealImage(tx, { imageId, ...volume, storageSizeBytes }), undefined);
}
