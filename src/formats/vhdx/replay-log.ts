import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import { regionTablesOffset, type VhdxHeader } from './headers.ts';
import { Log, type LogEntry } from './log-entry.ts';
import { findActiveSequence } from './log-sequence.ts';
import { Patches, ReplayedSource } from './replayed-source.ts';

/** The longest log that is replayed, since it is held in memory. Hyper-V writes logs of 1 MiB. */
const maxReplayedBytes = 16 * 1024 * 1024;

/** As many as there can be data sectors in such a log: every write takes work that grows with their number. */
const maxZeroWrites = maxReplayedBytes / 4096;

/**
 * How much longer the replay may make the file: room for four of the largest blocks. A writer makes the file longer
 * before it says so in the log; what was cut off in between has no more than it was about to write.
 */
const maxGrowthBytes = 1024 ** 3;

/** The file as it must be read, and what the replay did. */
export interface Replay {
  readonly source: ByteSource;
  /** Entries that were replayed; 0 where there was nothing to replay. */
  readonly entries: number;
}

/**
 * Replays a log in memory, where the header says that there is one. The log's place in the file must have been checked.
 *
 * Costs no more than 16 MiB and reading them twice. The writes may go anywhere but to the headers and the log itself,
 * whose word they are.
 *
 * @throws ImageRefused when there is no whole sequence of entries, the file was cut short, or a write goes where none may
 */
export async function replayLog(source: ByteSource, header: VhdxHeader, options?: ReadOptions): Promise<Replay> {
  if (header.logGuid === undefined) return { source, entries: 0 };
  if (header.logBytes > maxReplayedBytes) {
    throw refused(`The log that must be replayed has ${header.logBytes} bytes; at most ${maxReplayedBytes} are.`);
  }
  const logStart = Number(header.logOffset);
  const log = new Log(await source.read(logStart, header.logBytes, options), header.logGuid);
  const sequence = findActiveSequence(log);
  const newest = sequence?.at(-1);
  if (sequence === undefined || newest === undefined) {
    // QEMU leaves the file so when it ends between its header and its log, and reads it; [MS-VHDX] calls it corrupt.
    throw new ImageRefused({
      check: 'vhdx.log',
      reason: 'The header says that there is a log to replay, and the log has no whole sequence of entries.',
      remedy: 'If its disk is whole when QEMU reads it, convert it: qemu-img convert -f vhdx -O qcow2 FILE disk.qcow2',
    });
  }
  if (newest.flushedFileOffset > BigInt(source.sizeBytes)) {
    throw new ImageRefused({
      check: 'vhdx.truncated',
      reason: `The log says that the file had ${newest.flushedFileOffset} bytes, and it has only ${source.sizeBytes}: it was cut short.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  }
  const logEnd = logStart + header.logBytes;
  const patches = collectWrites(log, sequence, source.sizeBytes + maxGrowthBytes, (start, end) => {
    return start < regionTablesOffset || (start < logEnd && logStart < end);
  });
  const sizeBytes = Math.max(source.sizeBytes, patches.end, lastOffset(newest, source.sizeBytes));
  return { source: new ReplayedSource(source, patches, sizeBytes), entries: sequence.length };
}

function collectWrites(
  log: Log,
  sequence: readonly LogEntry[],
  maxEnd: number,
  isForbidden: (start: number, end: number) => boolean,
): Patches {
  const patches = new Patches();
  let zeroWrites = 0;
  for (const entry of sequence) {
    for (const { offset, length, bytes } of log.takeWrites(entry)) {
      const end = offset + length;
      if (end > BigInt(maxEnd)) {
        throw refused(`The log writes ${length} bytes to ${offset}, far past the end of the file.`);
      }
      if (length === 0n) continue;
      const place = { start: Number(offset), end: Number(end) };
      if (isForbidden(place.start, place.end)) {
        throw refused(`The log writes ${length} bytes to ${offset}, where the headers or the log itself are.`);
      }
      if (bytes === undefined && ++zeroWrites > maxZeroWrites) {
        throw refused(`The log has more than ${maxZeroWrites} zero descriptors to replay.`);
      }
      patches.write(bytes === undefined ? place : { ...place, bytes });
    }
  }
  return patches;
}

function lastOffset(newest: LogEntry, fileBytes: number): number {
  if (newest.lastFileOffset > BigInt(fileBytes + maxGrowthBytes)) {
    throw refused(`The log makes the file ${newest.lastFileOffset} bytes long, and it has ${fileBytes}.`);
  }
  return Number(newest.lastFileOffset);
}

function refused(reason: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.log',
    reason,
    remedy: 'Have it replayed where the file was made: mount it once in Hyper-V, or run qemu-img check -r all FILE',
  });
}
