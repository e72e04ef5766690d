import { maxTableEntries } from '../block-table.ts';
import type { FormatCheck, Violation } from '../disk-format.ts';
import { guestSizeViolation, sectorBytes } from '../guest-size.ts';
import { dynamicHeaderLength } from './dynamic-header.ts';
import { diskTypes, footerLength, type VhdFooter } from './footer.ts';
import type { VhdFacts } from './vhd-facts.ts';

/** The most that Windows, Xen and QEMU make or open: 2040 GiB. */
const maxVhdBytes = 2040 * 1024 ** 3;

/** The specification's programs write blocks of 512 KiB and 2 MiB. There is room to spare on both sides, within what tables and reads bear. */
const minBlockBytes = 4096;
const maxBlockBytes = 256 * 1024 * 1024;

/** Features: bit 0, a disk to be deleted at shutdown, and bit 1, which is always set. */
const knownFeatures = 0b11;

const majorVersion = 1;

const resend = 'Compare its length and checksum with the original, and send it again.';
const remake = 'Write it anew where it was made, or with: qemu-img convert -f vpc -O qcow2 FILE disk.qcow2';

/**
 * What a VHD must keep to be read. Asked in this order: what a footer says means nothing before its checksum is right.
 * (Virtual PC goes on with the copy where the footer is damaged. A file that is damaged in one place is not imported on
 * the word of another.)
 */
export const vhdChecks: readonly [FormatCheck<VhdFacts>, ...FormatCheck<VhdFacts>[]] = [
  {
    name: 'vhd.footer-checksum',
    violation: ({ footer }) =>
      footer.intact
        ? undefined
        : { reason: 'The checksum of the footer, in the last sector of the file, is wrong.', remedy: resend },
  },
  {
    name: 'vhd.version',
    violation: ({ footer, header }) =>
      versionViolation('footer', footer.version) ?? (header && versionViolation('dynamic header', header.version)),
  },
  {
    name: 'vhd.features',
    violation: ({ footer: { features } }) =>
      (features & ~knownFeatures) === 0
        ? undefined
        : { reason: `The file needs features 0x${features.toString(16)}, of which only bits 0 and 1 are known.` },
  },
  {
    name: 'vhd.differencing',
    violation: ({ footer }) =>
      footer.type === diskTypes.differencing
        ? {
            reason: 'The file is a differencing disk: a layer on top of another file, its parent.',
            remedy:
              'Write it out whole, where its parent is: Convert-VHD -Path FILE -DestinationPath whole.vhdx -VHDType Dynamic (Hyper-V), or VBoxManage clonemedium disk FILE whole.vdi (VirtualBox).',
          }
        : undefined,
  },
  {
    name: 'vhd.type',
    violation: ({ footer: { type } }) =>
      type === diskTypes.fixed || type === diskTypes.dynamic
        ? undefined
        : { reason: `The disk is of type ${type}; only 2 (fixed) and 3 (dynamic) are read.` },
  },
  { name: 'vhd.footer-copy', violation: footerCopy },
  { name: 'vhd.virtual-size', violation: virtualSize },
  { name: 'vhd.truncated', violation: fixedData },
  { name: 'vhd.data-offset', violation: dataOffset },
  { name: 'vhd.dynamic-header', violation: dynamicHeader },
  { name: 'vhd.block-size', violation: blockSize },
  { name: 'vhd.block-table', violation: blockTable },
];

function versionViolation(what: string, version: number): Violation | undefined {
  return version >>> 16 === majorVersion
    ? undefined
    : { reason: `The ${what} is of version 0x${version.toString(16).padStart(8, '0')}; only 0x0001.... is known.` };
}

/** Fields that say what the disk is: two footers that differ in one describe two disks. Time stamps and the saved state may differ. */
const decisive = [
  ['version', ({ version }) => version],
  ['data offset', (footer) => footer.dataOffset],
  ['creator application', ({ creator }) => creator],
  ['current size', ({ currentSize }) => currentSize],
  ['geometry', ({ cylinders, heads, sectorsPerTrack }) => `${cylinders}/${heads}/${sectorsPerTrack}`],
  ['type', ({ type }) => type],
] as const satisfies [string, (footer: VhdFooter) => unknown][];

function footerCopy({ footer, copy }: VhdFacts): Violation | undefined {
  if (footer.type === diskTypes.fixed) {
    return copy === undefined
      ? undefined
      : {
          reason:
            'The footer says that the disk is fixed, and another stands at the beginning of the file, where only dynamic disks have one.',
          remedy: remake,
        };
  }
  if (copy === undefined) {
    return { reason: 'The copy of the footer is missing from the beginning of the file.', remedy: resend };
  }
  if (!copy.intact)
    return { reason: 'The checksum of the footer at the beginning of the file is wrong.', remedy: resend };
  const different = decisive.filter(([, field]) => field(copy) !== field(footer)).map(([name]) => name);
  if (different.length === 0) return undefined;
  return {
    reason: `The footers at the two ends of the file do not agree on: ${different.join(', ')}.`,
    remedy: remake,
  };
}

function virtualSize({ footer: { currentSize }, size: { bytes } }: VhdFacts): Violation | undefined {
  const violation = guestSizeViolation(bytes);
  if (violation !== undefined) return violation;
  // Both sizes, whichever counts: a footer that is absurd in one is not to be trusted with the other.
  const larger = currentSize > bytes ? currentSize : bytes;
  if (larger > maxVhdBytes) {
    return { reason: `The disk has ${larger} bytes by its footer; a VHD has at most ${maxVhdBytes} (2040 GiB).` };
  }
  if (bytes % BigInt(sectorBytes) === 0n) return undefined;
  return {
    reason: `The disk has ${bytes} bytes, not a whole number of ${sectorBytes}-byte sectors: programs do not agree on what its end holds.`,
    remedy: 'Give it a whole number of sectors where it was made: Resize-VHD -Path FILE -SizeBytes SIZE',
  };
}

function fixedData({ footer, footerStart, size }: VhdFacts): Violation | undefined {
  if (footer.type !== diskTypes.fixed || size.bytes <= footerStart) return undefined;
  return {
    reason: `The fixed disk has ${size.bytes} bytes by its ${size.from}, but only ${footerStart} stand before the footer: some are missing.`,
    remedy: resend,
  };
}

function dataOffset({ footer, header }: VhdFacts): Violation | undefined {
  if (footer.type !== diskTypes.dynamic || header !== undefined) return undefined;
  return {
    reason: `The dynamic header is said to stand at ${footer.dataOffset}: not on a sector border between the two footers.`,
    remedy: resend,
  };
}

function dynamicHeader({ header }: VhdFacts): Violation | undefined {
  if (header === undefined) return undefined;
  if (!header.hasCookie) return { reason: 'The dynamic header does not begin with "cxsparse".', remedy: resend };
  return header.intact ? undefined : { reason: 'The checksum of the dynamic header is wrong.', remedy: resend };
}

function blockSize({ header }: VhdFacts): Violation | undefined {
  if (header === undefined) return undefined;
  const { blockBytes } = header;
  const isPowerOfTwo = (blockBytes & (blockBytes - 1)) === 0;
  if (isPowerOfTwo && blockBytes >= minBlockBytes && blockBytes <= maxBlockBytes) return undefined;
  return {
    reason: `Blocks have ${blockBytes} bytes; a power of two from ${minBlockBytes} to ${maxBlockBytes} is read.`,
    remedy: remake,
  };
}

/** Asked when the size of the disk and of its blocks are known to be sane. */
function blockTable({ footer, footerStart, header, size }: VhdFacts): Violation | undefined {
  if (header === undefined) return undefined;
  const { blockBytes, tableEntries, tableOffset } = header;
  if (tableEntries > maxTableEntries) {
    return {
      reason: `The block allocation table has ${tableEntries} entries; at most ${maxTableEntries} are read.`,
      remedy: remake,
    };
  }
  const needed = Math.ceil(Number(size.bytes) / blockBytes);
  if (tableEntries < needed) {
    return {
      reason: `The block allocation table has ${tableEntries} entries; a disk of ${size.bytes} bytes needs ${needed}.`,
      remedy: remake,
    };
  }
  const end = tableOffset + BigInt(tableEntries * 4);
  if (end > footerStart) {
    return {
      reason: `The block allocation table (${tableEntries * 4} bytes at ${tableOffset}) is not within the file, whose footer is at ${footerStart}.`,
      remedy: resend,
    };
  }
  const headerStart = footer.dataOffset;
  const onHeader = tableOffset < headerStart + BigInt(dynamicHeaderLength) && headerStart < end;
  if (tableOffset >= footerLength && !onHeader) return undefined;
  return {
    reason: `The block allocation table at ${tableOffset} stands where the ${onHeader ? 'dynamic header' : 'copy of the footer'} is.`,
    remedy: resend,
  };
}
