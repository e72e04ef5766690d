import { create } from '@bufbuild/protobuf';
import type { Disk } from '../../disks/disk.ts';
import { type Disk as DiskMessage, DiskSchema } from '../../gen/google/cloud/compute/v1/disk_pb.ts';
import { resourceNumber } from '../../lib/resource-number.ts';
import type { ResourceStatus } from '../../resources/resource-status.ts';
import { shownName } from '../../resources/shown-name.ts';
import { bytesToGib } from './gib.ts';
import { guestFields } from './guest-fields.ts';
import { labelFingerprint } from './label-fingerprint.ts';
import { diskPath, diskTypePath, type Link, zonePath } from './links.ts';
import { originFields } from './origin-fields.ts';
import type { Project } from './projects.ts';

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
