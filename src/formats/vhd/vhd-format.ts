import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { type MappedFile, readableFormat } from '../disk-format.ts';
import type { DiskMap } from '../disk-map.ts';
import type { VhdReport } from '../disk-report.ts';
import { printable } from '../printable.ts';
import { RunBuilder } from '../run-builder.ts';
import { openDynamicMap } from './dynamic-map.ts';
import { oldFooterLength } from './footer.ts';
import { vhdChecks } from './vhd-checks.ts';
import { isVhd, readFacts, type VhdFacts } from './vhd-facts.ts';

/**
 * VHD, the disks of Virtual PC, Hyper-V, Azure and Xen: fixed (the guest's bytes and a footer) and dynamic. A fixed disk
 * is known by its footer alone, whatever its guest begins with; where that is another format's mark, the file has two
 * identities and is refused. A differencing disk needs another file, and is refused.
 */
export const vhd = readableFormat<VhdFacts>({
  name: 'vhd',
  recognises: isVhd,
  readFacts,
  checks: vhdChecks,
  openMap,
});

/** From here on every field was checked: what is a bigint there is a safe number, and a dynamic disk has its header. */
async function openMap(source: ByteSource, facts: VhdFacts, options?: ReadOptions): Promise<MappedFile> {
  const { footer, footerStart, header } = facts;
  const guestBytes = Number(facts.size.bytes);
  const report = reportOn(facts, guestBytes);
  if (header === undefined) return { map: fixedMap(guestBytes), report };
  const file = {
    guestBytes,
    blockBytes: header.blockBytes,
    headerOffset: Number(footer.dataOffset),
    tableOffset: Number(header.tableOffset),
    tableEntries: header.tableEntries,
    footerStart,
  };
  return { map: await openDynamicMap(source, file, options), report };
}

/** The guest's bytes are the file's. */
function fixedMap(guestBytes: number): DiskMap {
  return {
    sizeBytes: guestBytes,
    async runs(offset, length) {
      const runs = new RunBuilder(offset, length, guestBytes);
      runs.addPlain(0, guestBytes, 0);
      return runs.runs;
    },
  };
}

function reportOn({ fileBytes, footer, footerStart, header, size }: VhdFacts, guestBytes: number): VhdReport {
  const { geometryBytes } = size;
  const creator = printable(footer.creator).trimEnd();
  const currentBytes = Number(footer.currentSize);
  const notes: string[] = [];
  if (size.from === 'geometry' && currentBytes !== geometryBytes)
    notes.push(
      `The footer gives a size of ${currentBytes} bytes and a geometry of ${geometryBytes}: the geometry counts, as it does for "${creator}", which made the file.`,
    );
  if (header === undefined && footerStart > guestBytes)
    notes.push(`${footerStart - guestBytes} bytes between the disk's end and the footer were left behind.`);
  if (fileBytes - footerStart === oldFooterLength)
    notes.push('The footer has 511 bytes, as programs before Virtual PC 2004 wrote it.');
  if ((footer.features & 1) !== 0) notes.push('The disk is marked as temporary.');
  if (footer.savedState)
    notes.push('The disk belongs to a suspended machine: its file systems may not have been closed.');
  if (header?.namesParent === true)
    notes.push('A parent disk is named, which means nothing in a dynamic disk: it was ignored.');
  return {
    format: 'vhd',
    fileBytes,
    guestBytes,
    notes,
    variant: header === undefined ? 'fixed' : 'dynamic',
    creator,
    sizeFrom: size.from,
    currentBytes,
    geometryBytes,
    ...(header === undefined ? {} : { blockBytes: header.blockBytes }),
  };
}
