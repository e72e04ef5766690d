import type { Caller } from '../access/caller.ts';
import type { Database, Transaction } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { diskSizeQuota } from '../quotas/quota.ts';
import { type ContentSource, type HoldSource, holdSource } from '../resources/content-source.ts';
import { type GuestDetails, inheritGuestDetails } from '../resources/guest-details.ts';
import { defaultHardwareGeneration, type HardwareGeneration } from '../resources/hardware-generation.ts';
import { operationOn } from '../resources/operation-on.ts';
import { originOf } from '../resources/origin.ts';
import { addVolumeReference } from '../volumes/volume-rows.ts';
import { type Catalog, checkZone, chooseDiskType } from './catalog.ts';
import type { Disk, DiskSource, PlacementPolicy } from './disk.ts';
import { diskToJson } from './disk-json.ts';
import { claimDiskName, insertDisk } from './disk-rows.ts';
import { checkDiskSize, chooseBlockSize } from './disk-size.ts';
import { createDiskKind } from './operation-names.ts';
import { idPrefixOfZone } from './zone.ts';

export interface CreateDisk {
  readonly folderId: string;
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty when not given. */
  readonly typeId: string;
  readonly zoneId: string;
  readonly sizeBytes: number;
  /** 0 when not given. */
  readonly blockSizeBytes: number;
  /** Undefined for a blank disk. */
  readonly source: DiskSource | undefined;
  /** What the caller calls the folder that the source is in, for the disk's origin; by default its id. */
  readonly sourceFolderName?: string;
  readonly placementPolicy: PlacementPolicy;
  readonly hardwareGeneration: HardwareGeneration | undefined;
  /** What is said of the guest; the rest comes from the source. */
  readonly guest?: GuestDetails;
}

export interface CreateDiskDeps {
  readonly db: Database;
  readonly catalog: Catalog;
  /** Images and snapshots are made from disks, and so stand above them. */
  readonly sources: Readonly<Record<DiskSource['kind'], HoldSource>>;
}

const nouns = { image: 'Image', snapshot: 'Snapshot' } as const;

/**
 * Makes a disk: a row, and a hold on the volume that it begins with. It is READY when this returns, and its cost does not
 * depend on its size or its source's. Throws RESOURCE_EXHAUSTED when the cloud has used up a quota.
 */
export async function createDisk(deps: CreateDiskDeps, request: CreateDisk, caller: Caller): Promise<Operation> {
  checkZone(deps.catalog, 'zone_id', request.zoneId);
  const typeId = chooseDiskType(deps.catalog, request.typeId);
  const blockSizeBytes = chooseBlockSize(request.blockSizeBytes);
  checkDiskSize(request.sizeBytes, blockSizeBytes, 0);
  return startOnce(deps, caller, async (tx) => {
    if ((await findFolder(tx, request.folderId)) === undefined) throw notFound('Folder', request.folderId);
    const source = request.source === undefined ? undefined : await hold(tx, deps, request, request.source);
    checkDiskSize(request.sizeBytes, blockSizeBytes, source?.minSizeBytes ?? 0);
    const disk = newDisk(request, { typeId, blockSizeBytes }, source);
    await claimDiskName(tx, disk, () => insertDisk(tx, disk));
    await assertWithinQuotas(tx, disk.folderId, {
      'compute.disks.count': 1,
      [diskSizeQuota(disk.typeId)]: disk.sizeBytes,
    });
    if (disk.base !== undefined) await addVolumeReference(tx, disk.id, disk.base.volumeId);
    return insertFinishedOperation(tx, {
      kind: createDiskKind,
      ...operationOn(disk),
      description: 'Create disk',
      createdBy: caller.subjectId,
      now: disk.createdAt,
      result: diskToJson(disk),
    });
  });
}

function hold(
  tx: Transaction,
  { sources }: CreateDiskDeps,
  { folderId }: CreateDisk,
  { kind, id }: DiskSource,
): Promise<ContentSource> {
  return holdSource(tx, sources[kind], { noun: nouns[kind], id, folderId });
}

/** What the request does not say of the hardware and the guest comes from the source, if there is one; the rest only from there. */
function newDisk(
  request: CreateDisk,
  chosen: Pick<Disk, 'typeId' | 'blockSizeBytes'>,
  source: ContentSource | undefined,
): Disk {
  return {
    id: newId(idPrefixOfZone(request.zoneId)),
    folderId: request.folderId,
    createdAt: new Date(),
    name: request.name,
    description: request.description,
    labels: request.labels,
    ...chosen,
    zoneId: request.zoneId,
    sizeBytes: request.sizeBytes,
    productIds: source?.productIds ?? [],
    status: 'READY',
    source: request.source,
    os: source?.os,
    hardwareGeneration: request.hardwareGeneration ?? source?.hardwareGeneration ?? defaultHardwareGeneration,
    placementPolicy: request.placementPolicy,
    base: source?.volume,
    guest: inheritGuestDetails(request.guest, source?.guest),
    origin:
      source === undefined || request.source === undefined
        ? undefined
        : originOf(request.source.kind, source, request.sourceFolderName),
  };
}
