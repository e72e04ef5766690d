import { create } from '@bufbuild/protobuf';
import type { Disk } from '../../../disks/disk.ts';
import { type Disk as DiskMessage, DiskSchema } from '../../../gen/google/cloud/compute/v1/disk_pb.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import type { ResourceStatus } from '../../../resources/resource-status.ts';
import { shownName } from '../../../resources/shown-name.ts';
import { bytesToGib } from '../gib.ts';
import { diskPath, diskTypePath, type Link, zonePath } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';
import { guestFields } from '../resources/guest-fields.ts';
import { labelFingerprint } from '../resources/label-fingerprint.ts';
import { originFields } from '../resources/origin-fields.ts';

const statuses: Readonly<Record<ResourceStatus, string>> = {
  CREATING: 'CREATING',
  READY: 'READY',
  ERROR: 'FAILED',
  DELETING: 'DELETING',
};

/** The disk as clients of the Compute API see it, in the project that they asked for. */
export function diskMessage(disk: Disk, project: Project, link: Link): DiskMessage {
  const { id, zoneId, description, guest, labels, origin } = disk;
  return create(DiskSchema, {
    kind: 'compute#disk',
    id: BigInt(resourceNumber(id)),
    creationTimestamp: disk.createdAt.toISOString(),
    name: shownName(disk),
    ...(description === '' ? {} : { description }),
    sizeGb: bytesToGib(disk.sizeBytes),
    status: statuses[disk.status],
    type: link(diskTypePath(project.name, zoneId, disk.typeId)),
    zone: link(zonePath(project.name, zoneId)),
    ...(origin === undefined ? {} : originFields(origin, project, link)),
    ...guestFields(guest, link),
    physicalBlockSizeBytes: BigInt(disk.blockSizeBytes),
    labels: { ...labels },
    labelFingerprint: labelFingerprint(labels),
    selfLink: link(diskPath(project.name, zoneId, shownName(disk))),
  });
}
