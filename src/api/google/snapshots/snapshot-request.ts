import type { Snapshot as SnapshotMessage } from '../../../gen/google/cloud/compute/v1/snapshot_pb.ts';
import type { CreateSnapshot } from '../../../snapshots/create-snapshot.ts';
import { invalidValue } from '../compute-errors.ts';
import { checkName } from '../naming/names.ts';
import type { Project } from '../naming/projects.ts';
import {
  checkDescription,
  checkLabels,
  checkStorageLocations,
  guestDetailsOf,
  refuseKeys,
} from '../resources/resource-fields.ts';

const keyFields = ['snapshotEncryptionKey', 'sourceDiskEncryptionKey'] as const;

/** What is asked for of a snapshot, in the core's words. Throws in the public service's. */
export function createSnapshotOf(
  snapshot: SnapshotMessage | undefined,
  {
    project,
    diskId,
    isAskedOfDisk,
  }: { readonly project: Project; readonly diskId: string; readonly isAskedOfDisk: boolean },
): CreateSnapshot {
  if (snapshot === undefined) throw invalidValue('resource', '', 'Required field is missing.');
  refuseKeys(snapshot, keyFields);
  const { snapshotType = '', chainName = '' } = snapshot;
  if (snapshotType !== '' && snapshotType !== 'STANDARD' && snapshotType !== 'ARCHIVE') {
    throw invalidValue('resource.snapshotType', snapshotType, 'Must be STANDARD or ARCHIVE.');
  }
  if (chainName !== '') throw invalidValue('resource.chainName', chainName, 'It is not supported: leave it out.');
  return {
    folderId: project.folderId,
    diskId,
    name: checkName('resource.name', snapshot.name ?? ''),
    description: checkDescription(snapshot.description ?? ''),
    labels: checkLabels(snapshot.labels),
    hardwareGeneration: undefined,
    guest: guestDetailsOf(snapshot),
    storageLocations: checkStorageLocations(snapshot.storageLocations),
    isAskedOfDisk,
  };
}
