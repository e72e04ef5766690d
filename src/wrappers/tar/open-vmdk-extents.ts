import type { ByteSource, ReadOptions } from '../../formats/byte-source.ts';
import type { DiskFormat } from '../../formats/disk-format.ts';
import { guestSizeViolation, sectorBytes } from '../../formats/guest-size.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { raw } from '../../formats/raw.ts';
import { type Descriptor, type DescriptorExtent, parseDescriptor } from '../../formats/vmdk/descriptor.ts';
import { wholeDiskChecks } from '../../formats/vmdk/descriptor-checks.ts';
import { splitVmdk } from '../../formats/vmdk/split-vmdk.ts';
import { type Patch, patchworkOf } from '../views.ts';
import { mustHavePlainNames, type OpenArchiveOptions, type OpenedArchive } from './opened-archive.ts';
import type { TarMember } from './read-members.ts';

/** Longest descriptor: as for one within a VMDK. */
const maxDescriptorBytes = 1024 * 1024 - 1;

/** Kinds of VMDK in several files, and whether their extents hold the disk's bytes as they are. */
const kinds: ReadonlyMap<string, 'flat' | 'sparse'> = new Map([
  ['monolithicFlat', 'flat'],
  ['twoGbMaxExtentFlat', 'flat'],
  ['vmfs', 'flat'],
  ['vmfsThin', 'flat'],
  ['vmfsEagerZeroedThick', 'flat'],
  ['vmfsPreallocated', 'flat'],
  ['twoGbMaxExtentSparse', 'sparse'],
]);

const remedy =
  'Make one file of them, where they are; name the small text file that lists the parts: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2';

/** A line of the descriptor with the member that it names; none where it says that its part is zeros. */
interface Extent {
  readonly line: DescriptorExtent;
  /** Where its bytes begin in the guest, and how many they are. */
  readonly offset: number;
  readonly length: number;
  readonly member: TarMember | undefined;
}

/** Whether a member is the text that describes a VMDK. */
export async function isDescriptor(bytes: ByteSource, { signal }: ReadOptions): Promise<boolean> {
  if (bytes.sizeBytes > maxDescriptorBytes) return false;
  const head = await bytes.read(0, Math.min(512, bytes.sizeBytes), { signal });
  return /^\s*# Disk DescriptorFile/i.test(Buffer.from(head).toString('latin1'));
}

/**
 * The disk that a VMDK descriptor puts together from extents, each another member of the archive. Every member is the
 * descriptor or one of its extents, each at most once: a descriptor can name nothing that is not there.
 *
 * @throws ImageRefused
 */
export async function openVmdkExtents(
  member: TarMember,
  members: readonly TarMember[],
  notes: readonly string[],
  { signal }: OpenArchiveOptions,
): Promise<OpenedArchive> {
  mustHavePlainNames(members);
  const descriptor = parseDescriptor(await member.bytes.read(0, member.sizeBytes, { signal }));
  const kind = kindOf(descriptor);
  const extents = findExtents(
    descriptor,
    members.filter((other) => other !== member),
    kind === 'flat' ? ['FLAT', 'VMFS'] : ['SPARSE'],
  );
  const { source, format } = kind === 'flat' ? flatDisk(extents) : sparseDisk(descriptor, extents);
  const report = {
    layer: 'tar',
    member: member.name,
    bytes: source.sizeBytes,
    sparse: undefined,
    extents: extents.flatMap(({ member: file }) => (file === undefined ? [] : [file.name])),
    notes,
  } as const;
  return { source, report, format };
}

function kindOf(descriptor: Descriptor): 'flat' | 'sparse' {
  for (const { name, violation } of wholeDiskChecks) {
    const found = violation({ descriptor });
    if (found !== undefined) throw new ImageRefused({ check: name, ...found });
  }
  const type = descriptor.values.get('createtype') ?? '';
  const kind = kinds.get(type);
  if (kind === undefined) throw refuse(`a VMDK of the kind ${JSON.stringify(type.slice(0, 80))} is not read in parts`);
  return kind;
}

/** The extents that the descriptor lists, in guest order; together they name all of `members`, each once. */
function findExtents(
  descriptor: Descriptor,
  members: readonly TarMember[],
  types: readonly string[],
): readonly Extent[] {
  const unnamed = new Map(members.map((member) => [member.name, member]));
  const extents: Extent[] = [];
  let sizeBytes = 0;
  for (const line of descriptor.extents) {
    const length = Number(line.sectors) * sectorBytes;
    const offset = sizeBytes;
    sizeBytes += length;
    const violation = guestSizeViolation(sizeBytes);
    if (violation !== undefined) throw new ImageRefused({ check: 'tar.vmdk-extent', ...violation });
    const isZero = line.access === 'RW' && line.type === 'ZERO' && line.fileName === undefined;
    extents.push({ line, offset, length, member: isZero ? undefined : takeMember(line, unnamed, types) });
  }
  if (sizeBytes === 0) throw refuse('it names no extents');
  const [extra] = unnamed.keys();
  if (extra !== undefined) throw refuse(`it does not name ${JSON.stringify(extra)}, which is in the archive`);
  return extents;
}

/** The member that an extent names; it is no other extent's then. */
function takeMember(
  { access, type, fileName = '' }: DescriptorExtent,
  unnamed: Map<string, TarMember>,
  types: readonly string[],
): TarMember {
  if (access !== 'RW' || !types.includes(type)) throw refuse(`it has an extent of the kind ${access} ${type}`);
  const member = unnamed.get(fileName);
  if (member === undefined)
    throw refuse(`its extent ${JSON.stringify(fileName.slice(0, 80))} is not in the archive, or named twice`);
  unnamed.delete(fileName);
  return member;
}

/** The guest's bytes, as they stand in the extents: raw whatever they are. */
function flatDisk(extents: readonly Extent[]): { source: ByteSource; format: DiskFormat } {
  const patches: Patch[] = [];
  for (const { line, offset, length, member } of extents) {
    if (member === undefined) continue;
    const sourceOffset = Number(line.offset ?? 0) * sectorBytes;
    if (sourceOffset + length > member.sizeBytes) {
      throw refuse(
        `the extent in ${JSON.stringify(member.name)} has ${length} bytes at ${sourceOffset}, and the file has ${member.sizeBytes}`,
      );
    }
    patches.push({ offset, length, source: member.bytes, sourceOffset });
  }
  const sizeBytes = extents.reduce((sum, { length }) => sum + length, 0);
  return { source: patchwork(sizeBytes, patches), format: raw };
}

/** The files of the extents one behind the other, and the format that reads such a row of them. */
function sparseDisk(descriptor: Descriptor, extents: readonly Extent[]): { source: ByteSource; format: DiskFormat } {
  const patches: Patch[] = [];
  let sizeBytes = 0;
  for (const { line, member } of extents) {
    if (member === undefined) continue;
    if (line.offset !== undefined) throw refuse(`the extent in ${JSON.stringify(member.name)} begins within its file`);
    patches.push({ offset: sizeBytes, length: member.sizeBytes, source: member.bytes, sourceOffset: 0 });
    sizeBytes += member.sizeBytes;
  }
  const format = splitVmdk(
    descriptor,
    extents.map(({ line, member }) => ({ line, file: member?.bytes })),
  );
  return { source: patchwork(sizeBytes, patches), format };
}

function patchwork(sizeBytes: number, patches: readonly Patch[]): ByteSource {
  return patchworkOf(sizeBytes, (offset, length) => patchesIn(patches, offset, length));
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
