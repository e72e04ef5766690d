import type { Caller } from '../access/caller.ts';
import type { ChangeDisk } from '../disks/change-disk.ts';
import type { Disk } from '../disks/disk.ts';
import type { DiskReference } from '../disks/find-disk-in-zone.ts';
import type { ChangeImage } from '../images/change-image.ts';
import type { Image } from '../images/image.ts';
import type { JsonValue } from '../lib/json.ts';
import type { ListOperationsInFolder, OperationsPage } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import type { WaitOptions } from '../operations/operation-waits.ts';
import type { ChangeSnapshot } from '../snapshots/change-snapshot.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';

/**
 * What a door calls, with what it needs already bound, whose clients know a resource by its folder and its name or number
 * (resources/find-by-reference.ts), and believe to know what they change.
 */
export interface FolderImageFunctions {
  /** Undefined when there is none. */
  findImageInFolder(request: { folderId: string; reference: string }): Promise<Image | undefined>;
  getInitialStates(request: { imageIds: readonly string[] }): Promise<ReadonlyMap<string, JsonValue>>;
  changeImage(request: ChangeImage, caller: Caller): Promise<Operation>;
}

export interface FolderDiskFunctions {
  /** Undefined when there is none. */
  findDiskInZone(request: DiskReference): Promise<Disk | undefined>;
  changeDisk(request: ChangeDisk, caller: Caller): Promise<Operation>;
}

export interface FolderSnapshotFunctions {
  /** Undefined when there is none. */
  findSnapshotInFolder(request: { folderId: string; reference: string }): Promise<Snapshot | undefined>;
  changeSnapshot(request: ChangeSnapshot, caller: Caller): Promise<Operation>;
}

export interface FolderOperationFunctions {
  /** Undefined when there is none. */
  findOperationByNumber(request: { folderId: string; number: string }): Promise<Operation | undefined>;
  listOperationsInFolder(request: ListOperationsInFolder): Promise<OperationsPage>;
  waitForOperation(request: { operationId: string }, options: WaitOptions): Promise<Operation>;
  deleteOperation(request: { operationId: string }): Promise<void>;
}
