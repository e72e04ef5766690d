import { create } from '@bufbuild/protobuf';
import { diskFromJson } from '../../../disks/disk-json.ts';
import { createDiskKind } from '../../../disks/operation-names.ts';
import { DataSchema } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import { type Warnings, WarningsSchema } from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import { imageFromJson } from '../../../images/image-json.ts';
import { createImageKind } from '../../../images/operation-names.ts';
import type { Operation } from '../../../operations/operation.ts';
import type { Origin } from '../../../resources/origin.ts';
import { bytesToGib } from '../gib.ts';
import { diskPath, imagePath, type Link, linkOfReference } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';

/** What was done as asked, and yet may not be what was meant: clients show it to people. */
export function warningsOf(operation: Operation, project: Project, link: Link): Warnings[] {
  const { kind, result } = operation;
  if (result === undefined) return [];
  if (kind === createImageKind) return deprecationWarnings(imageFromJson(result).origin, project, link);
  if (kind !== createDiskKind) return [];
  const disk = diskFromJson(result);
  const resource = link(diskPath(project.name, disk.zoneId, operation.resourceName));
  const warnings = deprecationWarnings(disk.origin, project, link);
  // A volume is as long as the disk that it was, or a GiB or more of it.
  const sizeGb = bytesToGib(disk.sizeBytes);
  const sourceGb = bytesToGib(disk.base?.sizeBytes ?? disk.sizeBytes);
  if (disk.origin?.kind !== 'image' || sizeGb <= sourceGb) return warnings;
  const data = { disk_size_gb: String(sizeGb), image_size_gb: String(sourceGb), resource };
  const message = `Disk size: '${sizeGb} GB' is larger than image size: '${sourceGb} GB'. You might need to resize the root partition manually if the operating system does not support automatic resizing.`;
  return [...warnings, warning('DISK_SIZE_LARGER_THAN_IMAGE_SIZE', message, data)];
}

function deprecationWarnings(origin: Origin | undefined, project: Project, link: Link): Warnings[] {
  if (origin?.deprecation === undefined) return [];
  const { state, replacement } = origin.deprecation;
  const path = imagePath(origin.folderId === project.folderId ? project.name : origin.folderId, origin.name);
  const suggested = replacement === '' ? '' : linkOfReference(replacement, project.name, link);
  const suggestion = suggested === '' ? '' : ` A suggested replacement is '${suggested}'.`;
  const message = `The resource '${path}' is ${state.toLowerCase()}.${suggestion}`;
  const data = { resource_name: path, ...(suggested === '' ? {} : { suggested_replacement: suggested }) };
  return [warning('DEPRECATED_RESOURCE_USED', message, data)];
}

function warning(code: string, message: string, data: Readonly<Record<string, string>>): Warnings {
  const pairs = Object.entries(data).map(([key, value]) => create(DataSchema, { key, value }));
  return create(WarningsSchema, { code, message, data: pairs });
}
