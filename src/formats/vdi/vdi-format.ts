import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { type MappedFile, readableFormat } from '../disk-format.ts';
import type { VdiReport } from '../disk-report.ts';
import { sectorBytes } from '../guest-size.ts';
import { ImageRefused } from '../image-refused.ts';
import { printable } from '../printable.ts';
import { imageTypes, isVdi, readHeader, type VdiHeader } from './header.ts';
import { vdiChecks } from './vdi-checks.ts';
import { openVdiMap } from './vdi-map.ts';

/**
 * VDI, VirtualBox's disks, version 1.1: dynamic and fixed. Both have a block map, and it alone says where a block is. An
 * image that needs another file is refused.
 */
export const vdi = readableFormat<VdiHeader>({
  name: 'vdi',
  recognises: isVdi,
  readFacts({ head, sizeBytes }) {
    const header = readHeader(head, sizeBytes);
    if (header !== undefined) return header;
    throw new ImageRefused({
      check: 'vdi.truncated',
      reason: `The file has only ${sizeBytes} bytes, less than its header: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  },
  checks: vdiChecks,
  openMap,
});

/** From here on every field was checked: the disk's size is a safe number. */
async function openMap(source: ByteSource, header: VdiHeader, options?: ReadOptions): Promise<MappedFile> {
  const diskBytes = Number(header.diskBytes);
  const guestBytes = Math.ceil(diskBytes / sectorBytes) * sectorBytes;
  const { blockBytes, mapOffset, dataOffset } = header;
  const { map, kept } = await openVdiMap(source, { diskBytes, guestBytes, blockBytes, mapOffset, dataOffset }, options);
  return { map, report: reportOn(header, { guestBytes, paddedBytes: guestBytes - diskBytes, kept }) };
}

function reportOn(
  header: VdiHeader,
  { guestBytes, paddedBytes, kept }: { guestBytes: number; paddedBytes: number; kept: number },
): VdiReport {
  const notes: string[] = [];
  if (paddedBytes > 0)
    notes.push(
      `The disk is not a whole number of ${sectorBytes}-byte sectors: ${paddedBytes} zero bytes were added at its end.`,
    );
  if (kept !== header.blocksAllocated)
    notes.push(
      `The header counts ${header.blocksAllocated} blocks in the file, the block map ${kept}: the map counts. The file was copied while in use, or its writer ended without closing it.`,
    );
  return {
    format: 'vdi',
    fileBytes: header.fileBytes,
    guestBytes,
    notes,
    variant: header.type === imageTypes.fixed ? 'fixed' : 'dynamic',
    creator: creatorOf(header.text),
    blockBytes: header.blockBytes,
    paddedBytes,
  };
}

/** The words between the angle brackets of the first line. */
function creatorOf(text: string): string {
  const line = printable(text.replace(/\n.*$/s, ''));
  return line.replace(/^<<< /, '').replace(/ >>>$/, '');
}
