import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { type MappedFile, readableFormat } from '../disk-format.ts';
import type { VhdxReport } from '../disk-report.ts';
import { hasMark } from '../probe.ts';
import { batShapeOf, readBlockTable } from './bat.ts';
import { vhdxChecks } from './vhdx-checks.ts';
import { readFacts, type VhdxFacts } from './vhdx-facts.ts';
import { VhdxMap } from './vhdx-map.ts';

/**
 * VHDX ([MS-VHDX], version 1): dynamic and fixed disks, with sectors of 512 or 4096 bytes. A log that was not written to
 * its places is replayed in memory. A differencing disk is refused.
 */
export const vhdx = readableFormat<VhdxFacts>({
  name: 'vhdx',
  recognises: ({ head }) => hasMark(head, 0, 'vhdxfile'),
  readFacts,
  checks: vhdxChecks,
  openMap,
});

async function openMap(_file: ByteSource, facts: VhdxFacts, options?: ReadOptions): Promise<MappedFile> {
  const { metadata, bat, claimed } = facts;
  const { source } = facts.replay;
  const shape = batShapeOf({ ...metadata, guestBytes: Number(metadata.size) });
  const table = await readBlockTable(source, bat.offset, shape, claimed, options);
  const map = new VhdxMap(shape.guestBytes, shape.blockBytes, table);
  return { map, report: reportOn(facts), source };
}

function reportOn({ fileBytes, creator, header, replay, regionTable, metadata }: VhdxFacts): VhdxReport {
  const { blockBytes, isFixed, logicalSectorBytes, physicalSectorBytes, diskId } = metadata;
  const notes: string[] = [];
  if (replay.entries > 0) {
    notes.push(
      'The file was not closed: it was copied while in use, or its writer ended without closing it. Its log was replayed.',
    );
  }
  if (header.otherIsDamaged) notes.push('One of its two headers is damaged; the other was used.');
  if (regionTable.otherIsDamaged) notes.push('One of its two region tables is damaged; the other was used.');
  if (logicalSectorBytes !== 512) {
    notes.push(
      `The disk has sectors of ${logicalSectorBytes} bytes, in which its partition table counts: attach it as such a disk.`,
    );
  }
  return {
    format: 'vhdx',
    fileBytes,
    guestBytes: Number(metadata.size),
    notes,
    variant: isFixed ? 'fixed' : 'dynamic',
    blockBytes,
    logicalSectorBytes,
    physicalSectorBytes,
    creator,
    diskId,
    replayedLogEntries: replay.entries,
  };
}
