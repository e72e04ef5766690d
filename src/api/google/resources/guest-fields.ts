import { create } from '@bufbuild/protobuf';
import { GuestOsFeatureSchema } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import type { GuestDetails } from '../../../resources/guest-details.ts';
import { type Link, linkOf } from '../naming/links.ts';

/** What is said of a resource's guest, in the fields that images, disks and snapshots have for it. */
export function guestFields({ architecture, guestOsFeatures, licenses, licenseCodes }: GuestDetails, link: Link) {
  return {
    licenses: licenses.map((license) => linkOf(license, link)),
    licenseCodes: licenseCodes.map(BigInt),
    guestOsFeatures: guestOsFeatures.map((type) => create(GuestOsFeatureSchema, { type })),
    ...(architecture === undefined ? {} : { architecture }),
  };
}
