import type { ByteSource } from '../../formats/byte-source.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { openOva } from '../ova/open-ova.ts';
import { isDescriptor, openVmdkExtents } from './open-vmdk-extents.ts';
import { listed, type OpenArchiveOptions, type OpenedArchive } from './opened-archive.ts';
import { readMembers } from './read-members.ts';

/**
 * Finds the disk in a tar archive: its only file, in whatever folder it is, or what an OVF description or a VMDK descriptor in it names.
 *
 * @throws ImageRefused for anything else, and what `readMembers` throws
 */
export async function openTar(archive: ByteSource, options: OpenArchiveOptions): Promise<OpenedArchive> {
  const { members, notes } = await readMembers(archive, options.limits, options.signal);
  const [only] = members;
  if (only === undefined) {
    throw new ImageRefused({ check: 'tar.no-disk', reason: 'The tar archive has no files in it.' });
  }
  if (members.some(({ name }) => isDescription(name))) return await openOva(members, notes, options);
  if (members.length === 1) {
    const { name, sizeBytes, sparse, bytes } = only;
    const report = { layer: 'tar', member: name, bytes: sizeBytes, sparse, extents: [], notes } as const;
    return { source: bytes, report, format: undefined };
  }
  const descriptors = [];
  for (const member of members) if (await isDescriptor(member.bytes, options)) descriptors.push(member);
  const [descriptor] = descriptors;
  if (descriptor !== undefined && descriptors.length === 1) {
    return await openVmdkExtents(descriptor, members, notes, options);
  }
  throw new ImageRefused({
    check: 'tar.several-members',
    reason: `The tar archive has ${members.length} files in it, and nothing in it says which of them is the disk: ${listed(members)}.`,
    remedy: 'Unpack the one that is meant, and import that: tar -xf FILE NAME',
  });
}

/** An OVA is known by its description, which has this name in all that are written (DSP0243, 6.1). */
function isDescription(name: string): boolean {
  return /\.ovf$/i.test(name);
}
