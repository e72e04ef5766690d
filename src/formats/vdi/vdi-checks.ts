import { maxTableEntries } from '../block-table.ts';
import type { FormatCheck, Violation } from '../disk-format.ts';
import { guestSizeViolation, sectorBytes } from '../guest-size.ts';
import { imageTypes, minHeaderSize, type VdiHeader } from './header.ts';

const version = 0x00010001;

/** VirtualBox and QEMU write blocks of 1 MiB; VirtualBox reads any power of two. */
const minBlockBytes = 4096;
const maxBlockBytes = 256 * 1024 * 1024;

const resend = 'Compare its length and checksum with the original, and send it again.';
const remake = 'Write it anew, with VirtualBox: VBoxManage clonemedium disk FILE whole.vdi';

/** What a VDI header must keep for the file to be read. */
export const vdiChecks: readonly [FormatCheck<VdiHeader>, ...FormatCheck<VdiHeader>[]] = [
  {
    name: 'vdi.version',
    violation: (header) =>
      header.version === version
        ? undefined
        : {
            reason: `The header is of version ${header.version >>> 16}.${header.version & 0xffff}; only 1.1 is read.`,
            remedy: remake,
          },
  },
  { name: 'vdi.differencing', violation: differencing },
  {
    name: 'vdi.type',
    violation: ({ type }) =>
      type === imageTypes.dynamic || type === imageTypes.fixed
        ? undefined
        : { reason: `The image is of type ${type}; only 1 (dynamic) and 2 (fixed) are read.` },
  },
  { name: 'vdi.virtual-size', violation: ({ diskBytes }) => guestSizeViolation(diskBytes) },
  {
    name: 'vdi.sector-size',
    violation: (header) =>
      header.sectorBytes === sectorBytes
        ? undefined
        : { reason: `Sectors have ${header.sectorBytes} bytes; only ${sectorBytes} are read.`, remedy: remake },
  },
  { name: 'vdi.block-size', violation: blockSize },
  { name: 'vdi.block-map', violation: blockMap },
  { name: 'vdi.layout', violation: layout },
];

function differencing({ type, namesParent }: VdiHeader): Violation | undefined {
  const remedy = 'Write it out whole, where its parent is: VBoxManage clonemedium disk FILE whole.vdi';
  if (type === imageTypes.differencing || type === imageTypes.undo) {
    const kind = type === imageTypes.undo ? 'an undo' : 'a differencing';
    return { reason: `The file is ${kind} image: a layer on top of another file, its parent.`, remedy };
  }
  return namesParent
    ? { reason: 'The file names a parent, another file that it is a layer on top of.', remedy }
    : undefined;
}

function blockSize({ blockBytes, blockExtra }: VdiHeader): Violation | undefined {
  const isPowerOfTwo = (blockBytes & (blockBytes - 1)) === 0;
  if (!isPowerOfTwo || blockBytes < minBlockBytes || blockBytes > maxBlockBytes) {
    return {
      reason: `Blocks have ${blockBytes} bytes; a power of two from ${minBlockBytes} to ${maxBlockBytes} is read.`,
      remedy: remake,
    };
  }
  if (blockExtra === 0) return undefined;
  return {
    reason: `Each block has ${blockExtra} bytes of something else in front of it, which no known program writes.`,
    remedy: remake,
  };
}

/** Asked when the size of the disk and of its blocks are known to be sane. */
function blockMap({ blockBytes, blocks, blocksAllocated, diskBytes }: VdiHeader): Violation | undefined {
  if (blocks > maxTableEntries) {
    return { reason: `The block map has ${blocks} entries; at most ${maxTableEntries} are read.`, remedy: remake };
  }
  const needed = Math.ceil(Number(diskBytes) / blockBytes);
  if (blocks < needed) {
    return {
      reason: `The block map has ${blocks} entries; a disk of ${diskBytes} bytes needs ${needed}.`,
      remedy: remake,
    };
  }
  if (blocksAllocated <= blocks) return undefined;
  return {
    reason: `The header says that ${blocksAllocated} blocks are in the file, of ${blocks} there are.`,
    remedy: resend,
  };
}

/** Header, block map and data follow each other, as VirtualBox demands too; the first two lie within the file. */
function layout({ headerSize, headerEnd, mapOffset, dataOffset, blocks, fileBytes }: VdiHeader): Violation | undefined {
  if (headerSize < minHeaderSize) {
    return {
      reason: `The header gives itself ${headerSize} bytes; version 1.1 has ${minHeaderSize} or more.`,
      remedy: resend,
    };
  }
  if (mapOffset < headerEnd) {
    return {
      reason: `The block map at ${mapOffset} stands in the header, which ends at ${headerEnd}.`,
      remedy: resend,
    };
  }
  const mapEnd = mapOffset + blocks * 4;
  if (mapEnd > fileBytes) {
    return {
      reason: `The block map (${blocks * 4} bytes at ${mapOffset}) is not within the file, which has ${fileBytes} bytes: it was cut short.`,
      remedy: resend,
    };
  }
  if (dataOffset >= mapEnd) return undefined;
  return { reason: `The data at ${dataOffset} begins in the block map, which ends at ${mapEnd}.`, remedy: resend };
}
