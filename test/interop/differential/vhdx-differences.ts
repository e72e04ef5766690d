import { copyFile } from 'node:fs/promises';
import { qemuImg, temporaryFolder } from '../../fixtures/qemu.ts';
import { toBuffer } from '../../fixtures/sparse-file.ts';
import { batEntry, blockOffset, buildVhdx, sector, type VhdxLogEntry, words } from '../../fixtures/vhdx-builder.ts';
import { readWithQemu, type Theirs } from './compare-with-qemu.ts';
import type { KnownDifferences } from './known-difference.ts';

const regionTableOffset = 192 * 1024;

/** One entry of a log: 4 KiB onto the beginning of the first block. */
function logEntry(at: number, sequence: bigint, text: string, tail: number): VhdxLogEntry {
  const data = Buffer.alloc(sector, text);
  return { sector: at, sequence, writes: [{ offset: blockOffset(0), data }], fields: { Tail: tail * sector } };
}

/** Two entries of one sequence, on both sides of the log's end. The older one writes another block too. */
const aroundTheEnd: VhdxLogEntry[] = [
  {
    sector: 254,
    sequence: 5n,
    writes: [{ offset: blockOffset(1), data: Buffer.alloc(sector, 'older; ') }],
    fields: { Tail: 254 * sector },
  },
  logEntry(0, 6n, 'newer; ', 254),
];

export const vhdxDifferences: KnownDifferences = {
  'vhdx-dirty-log': {
    make: () => toBuffer(buildVhdx({ log: [logEntry(0, 1n, 'logged; ', 0)] })),
    recognises: ({ ours, theirs }) => {
      const { report } = ours.disk;
      const isReplayed = report.format === 'vhdx' && report.replayedLogEntries > 0;
      return isReplayed && theirs.kind === 'refused' && theirs.reason.includes('log that needs to be replayed');
    },
    setAside: ({ path }) => readRepaired(path),
  },
  'vhdx-log-around-the-end': { make: () => toBuffer(buildVhdx({ log: aroundTheEnd })), theirs: readRepaired },
  'vhdx-sectors-of-4-kib': {
    make: () => toBuffer(buildVhdx({ metadata: { logicalSectorSize: { data: words(4096) } } })),
    recognises: ({ ours, theirs }) => {
      const { report } = ours.disk;
      return theirs.kind === 'refused' && report.format === 'vhdx' && report.logicalSectorBytes === 4096;
    },
  },
  'vhdx-damaged-region-table': {
    make: () => {
      const file = toBuffer(buildVhdx());
      // In the first table's checksum; the second is good.
      file.fill(0x5a, regionTableOffset + 4, regionTableOffset + 8);
      return file;
    },
  },
  'vhdx-shared-block': {
    make: () => toBuffer(buildVhdx({ bat: [batEntry(blockOffset(0)), batEntry(blockOffset(0))] })),
  },
  'vhdx-unknown-block-state': { make: () => toBuffer(buildVhdx({ bat: [batEntry(blockOffset(0), 5)] })) },
};

/** What qemu-img reads once it has replayed the log, which it does only to a file that it may write to. */
async function readRepaired(path: string): Promise<Theirs> {
  await using folder = await temporaryFolder();
  const repaired = folder.path('repaired.vhdx');
  await copyFile(path, repaired);
  await qemuImg('check', '-r', 'all', repaired);
  return await readWithQemu(repaired);
}
