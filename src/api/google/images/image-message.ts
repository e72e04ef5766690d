import { create } from '@bufbuild/protobuf';
import {
  type DeprecationStatus,
  DeprecationStatusSchema,
  type Image as ImageMessage,
  ImageSchema,
  RawDiskSchema,
} from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import type { Deprecation } from '../../../images/deprecation.ts';
import type { Image } from '../../../images/image.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import type { ResourceStatus } from '../../../resources/resource-status.ts';
import { shownName } from '../../../resources/shown-name.ts';
import { bytesToGib } from '../gib.ts';
import { imagePath, type Link, linkOfReference } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';
import { guestFields } from '../resources/guest-fields.ts';
import { labelFingerprint } from '../resources/label-fingerprint.ts';
import { originFields } from '../resources/origin-fields.ts';

const statuses: Readonly<Record<ResourceStatus, string>> = {
  CREATING: 'PENDING',
  READY: 'READY',
  ERROR: 'FAILED',
  DELETING: 'DELETING',
};

/** The image as clients of the Compute API see it, in the project that they asked for. */
export function imageMessage(image: Image, project: Project, link: Link): ImageMessage {
  const { id, description, family, labels, guest, deprecation, origin } = image;
  return create(ImageSchema, {
    kind: 'compute#image',
    id: BigInt(resourceNumber(id)),
    creationTimestamp: image.createdAt.toISOString(),
    name: shownName(image),
    ...(description === '' ? {} : { description }),
    ...(family === '' ? {} : { family }),
    sourceType: 'RAW',
    // Of a file no more is told than that it was one; archives are the only ones that this API has a word for.
    ...(origin === undefined
      ? { rawDisk: create(RawDiskSchema, { source: '', containerType: 'TAR' }) }
      : originFields(origin, project, link)),
    status: statuses[image.status],
    archiveSizeBytes: BigInt(image.storageSizeBytes),
    diskSizeGb: bytesToGib(Math.max(image.sizeBytes, image.minDiskSizeBytes)),
    ...guestFields(guest, link),
    ...(deprecation === undefined ? {} : { deprecated: deprecationMessage(deprecation, project, link) }),
    labels: { ...labels },
    labelFingerprint: labelFingerprint(labels),
    storageLocations: [...image.storageLocations],
    selfLink: link(imagePath(project.name, shownName(image))),
  });
}

function deprecationMessage(deprecation: Deprecation, project: Project, link: Link): DeprecationStatus {
  const { state, replacement, ...dates } = deprecation;
  const texts = { replacement: linkOfReference(replacement, project.name, link), ...dates };
  const said = Object.entries(texts).filter(([, text]) => text !== '');
  return create(DeprecationStatusSchema, { state, ...Object.fromEntries(said) });
}
