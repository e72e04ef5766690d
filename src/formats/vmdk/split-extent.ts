import type { ByteSource, ReadOptions } from '../byte-source.ts';
import type { FormatCheck } from '../disk-format.ts';
import { ImageRefused } from '../image-refused.ts';
import { hasPartitionTable } from '../partition-table.ts';
import type { Descriptor, DescriptorExtent } from './descriptor.ts';
import { descriptorChecks } from './descriptor-checks.ts';
import { headerBytes, isCompressed, isVmdk, readHeader, toBytes, type VmdkHeader } from './header.ts';
import { headerChecks } from './header-checks.ts';
import type { VmdkFacts } from './vmdk-facts.ts';

/** Room for a descriptor that a part may leave empty: QEMU leaves 20 sectors, VMware none. */
const maxEmptySectors = 128n;

/**
 * What a part must keep: all that a file of its own must, save what that one's descriptor must say. The disk's descriptor
 * has one line for each part, which is checked where the descriptor is read.
 */
const extentChecks: readonly FormatCheck<VmdkFacts>[] = [
  {
    name: 'vmdk.create-type',
    violation: ({ header }) =>
      isCompressed(header)
        ? {
            reason:
              'The descriptor says that the disk is twoGbMaxExtentSparse, and the header that its grains are compressed.',
          }
        : undefined,
  },
  ...headerChecks.filter((check) => !descriptorChecks.includes(check)),
];

/**
 * What one part of a twoGbMaxExtentSparse disk says of itself: a sparse VMDK like any other, but without a descriptor.
 * In its place stands the disk's, with the part's line alone.
 *
 * @throws ImageRefused when it breaks one of the rules of its format
 */
export async function readExtentFacts(
  file: ByteSource,
  descriptor: Descriptor,
  line: DescriptorExtent,
  options?: ReadOptions,
): Promise<VmdkFacts> {
  const head = await file.read(0, Math.min(headerBytes, file.sizeBytes), options);
  if (!isVmdk(head)) {
    throw new ImageRefused({ check: 'vmdk.extent', reason: 'The file is no VMDK, and the descriptor says SPARSE.' });
  }
  const header = readHeader(head);
  await mustHaveNoDescriptor(file, header, options);
  const facts: VmdkFacts = {
    fileBytes: file.sizeBytes,
    header,
    footer: undefined,
    descriptor: { ...descriptor, extents: [line] },
    hasPartitionTable: hasPartitionTable(head),
  };
  for (const { name, violation } of extentChecks) {
    const found = violation(facts);
    if (found !== undefined) throw new ImageRefused({ check: name, ...found });
  }
  return facts;
}

/** A program that opens the part by itself would believe it, and read another disk. */
async function mustHaveNoDescriptor(
  file: ByteSource,
  { descriptorOffset, descriptorSize }: VmdkHeader,
  options?: ReadOptions,
): Promise<void> {
  if (descriptorOffset === 0n && descriptorSize === 0n) return;
  if (descriptorOffset !== 1n || descriptorSize > maxEmptySectors) {
    throw new ImageRefused({
      check: 'vmdk.descriptor-place',
      reason: `The room for a descriptor is said to have ${descriptorSize} sectors at sector ${descriptorOffset}; in a part it may have up to ${maxEmptySectors} at sector 1, or none.`,
    });
  }
  const start = toBytes(descriptorOffset);
  const length = Math.max(0, Math.min(toBytes(descriptorSize), file.sizeBytes - start));
  const room = await file.read(Math.min(start, file.sizeBytes), length, options);
  if (room.every((byte) => byte === 0)) return;
  throw new ImageRefused({
    check: 'vmdk.extent-descriptor',
    reason: 'The file has a descriptor of its own, though it is a part of a disk: two programs would read two disks.',
    remedy:
      'Make one file of the parts, where they are; name the small text file that lists them: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2',
  });
}
