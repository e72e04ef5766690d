import type { FormatCheck, Violation } from '../disk-format.ts';
import { guestSizeViolation } from '../guest-size.ts';
import { batShapeOf } from './bat.ts';
import type { VhdxFacts } from './vhdx-facts.ts';

const mib = 1024 * 1024;

/** [MS-VHDX], 2.6.2: what blocks, sectors and disks can be. */
const maxBlockBytes = 256 * mib;
const sectorSizes: readonly number[] = [512, 4096];

/** What a VHDX file must keep to be read, once its headers and tables were found. */
export const vhdxChecks: readonly [FormatCheck<VhdxFacts>, ...FormatCheck<VhdxFacts>[]] = [
  {
    name: 'vhdx.differencing',
    violation: ({ metadata }) =>
      metadata.hasParent
        ? {
            reason: 'The file is a differencing disk: a layer on top of another file (its parent).',
            remedy: 'Make one file of it, where all of its files are: Convert-VHD FILE disk.vhdx in PowerShell',
          }
        : undefined,
  },
  {
    name: 'vhdx.unknown-item',
    violation: ({ metadata: { unknownItems } }) =>
      unknownItems.length > 0
        ? { reason: `The file needs metadata that is not known here: ${unknownItems.slice(0, 3).join(', ')}.` }
        : undefined,
  },
  {
    name: 'vhdx.block-size',
    violation: ({ metadata: { blockBytes } }) =>
      blockBytes >= mib && blockBytes <= maxBlockBytes && Number.isInteger(Math.log2(blockBytes))
        ? undefined
        : { reason: `Blocks have ${blockBytes} bytes; they can have 1 to 256 MiB, a power of two.` },
  },
  {
    name: 'vhdx.sector-size',
    violation: ({ metadata: { logicalSectorBytes: logical, physicalSectorBytes: physical } }) =>
      sectorSizes.includes(logical) && sectorSizes.includes(physical)
        ? undefined
        : { reason: `Sectors have ${logical} bytes (${physical} on the medium); they can have 512 or 4096.` },
  },
  { name: 'vhdx.virtual-size', violation: virtualSize },
  { name: 'vhdx.bat', violation: batLength },
];

function virtualSize({ metadata: { size, logicalSectorBytes } }: VhdxFacts): Violation | undefined {
  const violation = guestSizeViolation(size);
  if (violation !== undefined) return violation;
  if (size % BigInt(logicalSectorBytes) === 0n) return undefined;
  return { reason: `The disk has ${size} bytes, not a whole number of its ${logicalSectorBytes}-byte sectors.` };
}

function batLength({ metadata, bat }: VhdxFacts): Violation | undefined {
  const { entries } = batShapeOf({ ...metadata, guestBytes: Number(metadata.size) });
  if (entries * 8 <= bat.bytes) return undefined;
  return {
    reason: `The block allocation table has ${bat.bytes} bytes; a disk of ${metadata.size} bytes needs ${entries * 8}.`,
  };
}
