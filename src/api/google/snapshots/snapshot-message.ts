import { create } from '@bufbuild/protobuf';
import { type Snapshot as SnapshotMessage, SnapshotSchema } from '../../../gen/google/cloud/compute/v1/snapshot_pb.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import type { ResourceStatus } from '../../../resources/resource-status.ts';
import { shownName } from '../../../resources/shown-name.ts';
import type { Snapshot } from '../../../snapshots/snapshot.ts';
import { bytesToGib } from '../gib.ts';
import { type Link, snapshotPath } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';
import { guestFields } from '../resources/guest-fields.ts';
import { labelFingerprint } from '../resources/label-fingerprint.ts';
import { originFields } from '../resources/origin-fields.ts';

/** While its content is being stored it is fixed already. */
const statuses: Readonly<Record<ResourceStatus, string>> = {
  CREATING: 'UPLOADING',
  READY: 'READY',
  ERROR: 'FAILED',
  DELETING: 'DELETING',
};

/** The snapshot as clients of the Compute API see it, in the project that they asked for. */
export function snapshotMessage(snapshot: Snapshot, project: Project, link: Link): SnapshotMessage {
  const { id, description, guest, labels, origin, status } = snapshot;
  return create(SnapshotSchema, {
    kind: 'compute#snapshot',
    id: BigInt(resourceNumber(id)),
    creationTimestamp: snapshot.createdAt.toISOString(),
    name: shownName(snapshot),
    ...(description === '' ? {} : { description }),
    status: statuses[status],
    diskSizeGb: bytesToGib(snapshot.diskSizeBytes),
    storageBytes: BigInt(snapshot.storageSizeBytes),
    storageBytesStatus: status === 'READY' ? 'UP_TO_DATE' : 'UPDATING',
    ...(origin === undefined ? {} : originFields(origin, project, link)),
    ...guestFields(guest, link),
    storageLocations: [...snapshot.storageLocations],
    labels: { ...labels },
    labelFingerprint: labelFingerprint(labels),
    selfLink: link(snapshotPath(project.name, shownName(snapshot))),
  });
}
