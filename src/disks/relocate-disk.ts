import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import { invalidField, notFound } from '../errors.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { operationOn } from '../resources/operation-on.ts';
import { type Catalog, checkZone } from './catalog.ts';
import type { PlacementPolicy } from './disk.ts';
import { checkUnused, type DiskUsers } from './disk-contents.ts';
import { diskToJson } from './disk-json.ts';
import { lockDisk, replaceDisk } from './disk-rows.ts';
import { relocateDiskKind } from './operation-names.ts';

export interface RelocateDisk {
  readonly diskId: string;
  readonly destinationZoneId: string;
  /** The old one was of the old zone. */
  readonly placementPolicy: PlacementPolicy;
}

export interface RelocateDiskDeps {
  readonly db: Database;
  readonly catalog: Catalog;
  readonly users: DiskUsers;
}

/**
 * Puts a disk into another zone. Throws NOT_FOUND, INVALID_ARGUMENT for the zone, and FAILED_PRECONDITION while the disk
 * is in use.
 */
export async function relocateDisk(
  deps: RelocateDiskDeps,
  { diskId, destinationZoneId, placementPolicy }: RelocateDisk,
  caller: Caller,
): Promise<Operation> {
  checkZone(deps.catalog, 'destination_zone_id', destinationZoneId);
  return startOnce(deps, caller, async (tx) => {
    const disk = await lockDisk(tx, diskId);
    if (disk === undefined) throw notFound('Disk', diskId);
    if (disk.zoneId === destinationZoneId) {
      throw invalidField('destination_zone_id', `the disk is in zone "${destinationZoneId}" already`);
    }
    await checkUnused(tx, deps.users, diskId);
    const relocated = { ...disk, zoneId: destinationZoneId, placementPolicy };
    await replaceDisk(tx, relocated);
    return insertFinishedOperation(tx, {
      kind: relocateDiskKind,
      ...operationOn(relocated),
      description: 'Relocate disk',
      createdBy: caller.subjectId,
      input: { sourceZoneId: disk.zoneId, destinationZoneId },
      result: diskToJson(relocated),
    });
  });
}
