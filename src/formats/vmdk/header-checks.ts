import type { FormatCheck, Violation } from '../disk-format.ts';
import { guestSizeViolation } from '../guest-size.ts';
import { descriptorChecks } from './descriptor-checks.ts';
import { footerViolation } from './footer.ts';
import { directoryBytes, geometryOf, redundantDirectorySector } from './geometry.ts';
import { bytesOf, hasFlag, isCompressed, vmdkFlags } from './header.ts';
import { placingHeader, type VmdkFacts } from './vmdk-facts.ts';

/** 8 sectors are the least by the specification; 4096 (2 MiB) make a grain as large as the largest cluster that is read. */
const minGrainSectors = 8n;
const maxGrainSectors = 4096n;

/** The specification has 512 entries; QEMU reads no more, VirtualBox no fewer than 128. */
const tableSizes: readonly number[] = [128, 256, 512];

/** 4 TiB in the smallest grains, with tables of 512 entries: a directory of 8 MiB. */
export const maxTables = 2 ** 21;

const cutShort = 'Compare its length with the original, and send it again.';
const repair = 'Look at it where it was made: vmware-vdiskmanager -R FILE repairs it';

/** What a VMDK's header, footer and descriptor must keep for the file to be read. Asked in this order. */
export const headerChecks: readonly [FormatCheck<VmdkFacts>, ...FormatCheck<VmdkFacts>[]] = [
  {
    name: 'vmdk.version',
    violation: ({ header: { version } }) =>
      version >= 1 && version <= 3
        ? undefined
        : {
            reason: `The file is a VMDK of version ${version}; 1 to 3 are read.`,
            remedy: 'Write it anew where it is understood: vmware-vdiskmanager -r FILE -t 0 disk.vmdk',
          },
  },
  {
    name: 'vmdk.text-mode',
    violation: ({ header }) =>
      hasFlag(header, vmdkFlags.newlineTest) && !header.newlinesIntact
        ? { reason: 'The file was sent as if it were a text: its line ends were changed.', remedy: cutShort }
        : undefined,
  },
  {
    name: 'vmdk.partition-table',
    violation: ({ hasPartitionTable }) =>
      hasPartitionTable
        ? {
            reason:
              'The header has a partition table behind it, in one sector: the file is a VMDK and a raw disk at once.',
            remedy: 'Write it anew from the disk it was made from: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2',
          }
        : undefined,
  },
  { name: 'vmdk.unknown-feature', violation: unknownFlag },
  { name: 'vmdk.compression', violation: compression },
  ...descriptorChecks,
  { name: 'vmdk.grain-size', violation: grainSize },
  {
    name: 'vmdk.virtual-size',
    violation: ({ header, descriptor }) =>
      guestSizeViolation(bytesOf(header.capacity)) ?? guestSizeViolation(bytesOf(descriptor.extents[0]?.sectors ?? 0n)),
  },
  { name: 'vmdk.capacity', violation: capacity },
  { name: 'vmdk.footer', violation: footerViolation },
  { name: 'vmdk.grain-directory', violation: grainDirectory },
  {
    name: 'vmdk.truncated',
    violation: ({ header, fileBytes }) =>
      bytesOf(header.overhead) > fileBytes
        ? {
            reason: `The file has ${fileBytes} bytes, and ${header.overhead} sectors of metadata before the first grain: it was cut short.`,
            remedy: cutShort,
          }
        : undefined,
  },
];

function unknownFlag({ header: { flags } }: VmdkFacts): Violation | undefined {
  const unknown = (flags & 0xffff0000 & ~(vmdkFlags.compressed | vmdkFlags.markers)) >>> 0;
  if (unknown === 0) return undefined;
  return { reason: `The file needs features that are not known here (flags 0x${unknown.toString(16)}).` };
}

/** The flags say it, and the algorithm says it: programs look at the one or the other. */
function compression({ header }: VmdkFacts): Violation | undefined {
  const { compressAlgorithm } = header;
  if (compressAlgorithm > 1) {
    return { reason: `compressAlgorithm is ${compressAlgorithm}; only 0 (none) and 1 (deflate) exist.` };
  }
  const compressed = isCompressed(header);
  if (hasFlag(header, vmdkFlags.compressed) === compressed && hasFlag(header, vmdkFlags.markers) === compressed) {
    return undefined;
  }
  return {
    reason: `The header says that grains are ${compressed ? '' : 'not '}compressed, and its flags (0x${header.flags.toString(16)}) do not agree: they go with markers, or not at all.`,
  };
}

function grainSize({ header: { grainSize: sectors, entriesPerTable } }: VmdkFacts): Violation | undefined {
  if (sectors < minGrainSectors || sectors > maxGrainSectors || (sectors & (sectors - 1n)) !== 0n) {
    return {
      reason: `A grain has ${sectors} sectors; it can have a power of two of them, ${minGrainSectors} to ${maxGrainSectors}.`,
    };
  }
  if (!tableSizes.includes(entriesPerTable)) {
    return { reason: `A grain table has ${entriesPerTable} entries; it can have ${tableSizes.join(', ')}.` };
  }
  return undefined;
}

/** VirtualBox counts the header's capacity in whole grains, and gives the guest what the descriptor says. */
function capacity({ header, descriptor }: VmdkFacts): Violation | undefined {
  const sectors = descriptor.extents[0]?.sectors ?? 0n;
  const { capacity, grainSize } = header;
  const wholeGrains = ((sectors + grainSize - 1n) / grainSize) * grainSize;
  if (capacity === sectors || capacity === wholeGrains) return undefined;
  return {
    reason: `The header says that the disk has ${capacity} sectors, the descriptor ${sectors}.`,
    remedy: repair,
  };
}

function grainDirectory(facts: VmdkFacts): Violation | undefined {
  const { tables } = geometryOf(facts);
  if (tables > maxTables) {
    return { reason: `The disk takes ${tables} grain tables; at most ${maxTables} are read.` };
  }
  const redundant = redundantDirectorySector(facts);
  return (
    directoryPlace(facts, 'grain directory', placingHeader(facts).directoryOffset, tables) ??
    (redundant === undefined ? undefined : directoryPlace(facts, 'redundant grain directory', redundant, tables))
  );
}

function directoryPlace(
  { header, fileBytes }: VmdkFacts,
  name: string,
  sector: bigint,
  tables: number,
): Violation | undefined {
  const reserved = header.descriptorOffset + header.descriptorSize;
  if (sector < 1n || sector < reserved) {
    return { reason: `The ${name} is said to stand at sector ${sector}, where the header and the descriptor are.` };
  }
  const end = bytesOf(sector) + BigInt(directoryBytes(tables));
  if (end > fileBytes) {
    return {
      reason: `The ${name} ends at ${end}, but the file has only ${fileBytes} bytes: it was cut short.`,
      remedy: cutShort,
    };
  }
  return undefined;
}
