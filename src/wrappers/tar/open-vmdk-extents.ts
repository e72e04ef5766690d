import type { ByteSource, ReadOptions } from '../../formats/byte-source.ts';
import { guestSizeViolation, sectorBytes } from '../../formats/guest-size.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { type Descriptor, type DescriptorExtent, parseDescriptor } from '../../formats/vmdk/descriptor.ts';
import { type Patch, patchworkOf } from '../views.ts';
import type { OpenArchiveOptions, OpenedArchive } from './opened-archive.ts';
import type { TarMember } from './read-members.ts';

/** Longest descriptor: as for one within a VMDK. */
const maxDescriptorBytes = 1024 * 1024 - 1;

/** Kinds of VMDK whose extents hold the disk's bytes as they are. */
const flatTypes = new Set([
  'monolithicFlat',
  'twoGbMaxExtentFlat',
  'vmfs',
  'vmfsThin',
  'vmfsEagerZeroedThick',
  'vmfsPreallocated',
]);

const remedy =
  'Make one file of them, where they are; name the small text file that lists the parts: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2';

/** Whether a member is the text that describes a VMDK. */
export async function isDescriptor(bytes: ByteSource, { signal }: ReadOptions): Promise<boolean> {
  if (bytes.sizeBytes > maxDescriptorBytes) return false;
  const head = await bytes.read(0, Math.min(512, bytes.sizeBytes), { signal });
  return /^\s*# Disk DescriptorFile/i.test(Buffer.from(head).toString('latin1'));
}

/**
 * The disk that a VMDK descriptor puts together from flat extents, each another member of the archive. Every member is
 * the descriptor or one of its extents, each at most once: a descriptor can name nothing that is not there.
 *
 * @throws ImageRefused
 */
export async function openVmdkExtents(
  member: TarMember,
  members: readonly TarMember[],
  notes: readonly string[],
  { signal }: OpenArchiveOptions,
): Promise<OpenedArchive> {
  const descriptor = parseDescriptor(await member.bytes.read(0, member.sizeBytes, { signal }));
  checkKind(descriptor);
  const others = new Map(members.filter((other) => other !== member).map((other) => [other.name, other]));
  const patches: Patch[] = [];
  const names: string[] = [];
  let sizeBytes = 0;
  for (const extent of descriptor.extents) {
    const length = Number(extent.sectors) * sectorBytes;
    const offset = sizeBytes;
    sizeBytes += length;
    const violation = guestSizeViolation(sizeBytes);
    if (violation !== undefined) throw new ImageRefused({ check: 'tar.vmdk-extent', ...violation });
    if (extent.access === 'RW' && extent.type === 'ZERO' && extent.fileName === undefined) continue;
    const file = takeFile(extent, others);
    const sourceOffset = Number(extent.offset ?? 0) * sectorBytes;
    if (sourceOffset + length > file.sizeBytes) {
      throw refuse(
        `the extent in ${JSON.stringify(file.name)} has ${length} bytes at ${sourceOffset}, and the file has ${file.sizeBytes}`,
      );
    }
    names.push(file.name);
    patches.push({ offset, length, source: file.bytes, sourceOffset });
  }
  if (sizeBytes === 0) throw refuse('it names no extents');
  const [extra] = others.keys();
  if (extra !== undefined) throw refuse(`it does not name ${JSON.stringify(extra)}, which is in the archive`);
  const source = patchworkOf(sizeBytes, (offset, length) => patchesIn(patches, offset, length));
  const report = {
    layer: 'tar',
    member: member.name,
    bytes: sizeBytes,
    sparse: undefined,
    extents: names,
    notes,
  } as const;
  return { source, report, isFlatDisk: true };
}

function checkKind({ values }: Descriptor): void {
  const type = values.get('createtype') ?? '';
  if (!flatTypes.has(type)) throw refuse(`a VMDK of the kind ${JSON.stringify(type)} is not read in parts`);
  const parent = values.get('parentcid')?.toLowerCase() ?? 'ffffffff';
  if (parent !== 'ffffffff' || values.has('parentfilenamehint')) throw refuse('it is a layer on another disk');
}

/** The member that an extent names; it is no other extent's then. */
function takeFile(extent: DescriptorExtent, others: Map<string, TarMember>): TarMember {
  const { access, type, fileName = '' } = extent;
  if (access !== 'RW' || (type !== 'FLAT' && type !== 'VMFS')) {
    throw refuse(`it has an extent of the kind ${access} ${type}`);
  }
  const file = others.get(fileName);
  if (file === undefined)
    throw refuse(`its extent ${JSON.stringify(fileName.slice(0, 80))} is not in the archive, or named twice`);
  others.delete(fileName);
  return file;
}

function* patchesIn(patches: readonly Patch[], offset: number, length: number): Iterable<Patch> {
  for (const patch of patches) {
    const from = Math.max(offset, patch.offset);
    const to = Math.min(offset + length, patch.offset + patch.length);
    if (from < to)
      yield { ...patch, offset: from, length: to - from, sourceOffset: patch.sourceOffset + (from - patch.offset) };
  }
}

/** @param what the rest of a sentence */
function refuse(what: string): ImageRefused {
  return new ImageRefused({
    check: 'tar.vmdk-extent',
    reason: `The tar archive has a VMDK descriptor whose disk is not read: ${what}.`,
    remedy,
  });
}
