import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Disk } from '../disks/disk.ts';
import type { DiskContents } from '../disks/disk-contents.ts';
import { lockDiskSource } from '../disks/disk-source.ts';
import { frozenContentOf, frozenContentToJson, volumeOfContent } from '../disks/frozen-content.ts';
import { startFromDisk } from '../disks/start-from-disk.ts';
import { idPrefixOfZone } from '../disks/zone.ts';
import { notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { insertFinishedOperation, insertOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { assertRoomInQuota, assertWithinQuotas } from '../quotas/check-quotas.ts';
import { holdSource } from '../resources/content-source.ts';
import { type GuestDetails, inheritGuestDetails } from '../resources/guest-details.ts';
import type { HardwareGeneration } from '../resources/hardware-generation.ts';
import { operationOn } from '../resources/operation-on.ts';
import { originOf } from '../resources/origin.ts';
import { shownName } from '../resources/shown-name.ts';
import { addVolumeReference, findVolume } from '../volumes/volume-rows.ts';
import { createSnapshotKind } from './operation-names.ts';
import type { Snapshot } from './snapshot.ts';
import { snapshotToJson } from './snapshot-json.ts';
import { claimSnapshotName, insertSnapshot } from './snapshot-rows.ts';

export interface CreateSnapshot {
  readonly folderId: string;
  readonly diskId: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hardwareGeneration: HardwareGeneration | undefined;
  /** What is said of the guest; the rest comes from the disk. */
  readonly guest?: GuestDetails;
  readonly storageLocations?: readonly string[];
  /** The operation is among those of the disk's zone, as one that was asked of the disk; it is in no zone by default. */
  readonly isAskedOfDisk?: boolean;
}

export interface CreateSnapshotDeps {
  readonly db: Database;
  readonly contents: DiskContents;
  readonly runner: { wake(): void };
}

/**
 * Keeps what a disk holds at this moment. The snapshot is there when this returns: READY when the disk is its base still,
 * and no byte is stored then; otherwise CREATING, with an operation that stores its content. Until that has ended, the
 * snapshot holds the disk's base. Throws NOT_FOUND for the folder, FAILED_PRECONDITION for the disk, RESOURCE_EXHAUSTED when
 * the cloud has used up a quota.
 */
export async function createSnapshot(
  deps: CreateSnapshotDeps,
  request: CreateSnapshot,
  caller: Caller,
): Promise<Operation> {
  const operation = await startFromDisk(deps, request, caller, async (tx, frozen) => {
    const { folderId, diskId } = request;
    if ((await findFolder(tx, folderId)) === undefined) throw notFound('Folder', folderId);
    const disk = await holdSource(tx, lockDiskSource, { noun: 'Disk', id: diskId, folderId });
    const volume = volumeOfContent(disk, frozen);
    const stored = volume === undefined ? undefined : await findVolume(tx, volume.volumeId);
    const snapshot: Snapshot = {
      ...newSnapshot(request, disk),
      ...(volume === undefined ? {} : { status: 'READY', volume, storageSizeBytes: stored?.storedBytes ?? 0 }),
    };
    await claimSnapshotName(tx, snapshot, () => insertSnapshot(tx, snapshot));
    if (disk.base !== undefined) await addVolumeReference(tx, snapshot.id, disk.base.volumeId);
    const about = {
      kind: createSnapshotKind,
      ...operationOn({ ...snapshot, zoneId: request.isAskedOfDisk === true ? disk.zoneId : '' }),
      description: 'Create snapshot',
      createdBy: caller.subjectId,
      now: snapshot.createdAt,
      input: { ...frozenContentToJson(frozenContentOf(disk, frozen)), diskName: shownName(disk) },
    };
    const started =
      volume === undefined
        ? await insertOperation(tx, { ...about, nodeId: frozen?.nodeId ?? '' })
        : await insertFinishedOperation(tx, { ...about, result: snapshotToJson(snapshot) });
    // What will be stored is not known yet, but it will be something.
    if (!started.done) await assertRoomInQuota(tx, folderId, 'compute.snapshots.size', 1);
    await assertWithinQuotas(tx, folderId, {
      'compute.snapshots.count': 1,
      'compute.snapshots.size': snapshot.storageSizeBytes,
      'compute.operations.count': started.done ? 0 : 1,
    });
    return started;
  });
  deps.runner.wake();
  return operation;
}

function newSnapshot(request: CreateSnapshot, disk: Disk): Snapshot {
  return {
    id: newId(idPrefixOfZone(disk.zoneId)),
    folderId: request.folderId,
    createdAt: new Date(),
    name: request.name,
    description: request.description,
    labels: request.labels,
    storageSizeBytes: 0,
    diskSizeBytes: disk.sizeBytes,
    productIds: disk.productIds,
    status: 'CREATING',
    sourceDiskId: disk.id,
    hardwareGeneration: request.hardwareGeneration ?? disk.hardwareGeneration,
    volume: undefined,
    guest: inheritGuestDetails(request.guest, disk.guest),
    storageLocations: request.storageLocations ?? [],
    origin: originOf('disk', disk),
  };
}
