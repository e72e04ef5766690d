import { IndexEntries } from './index-entries.ts';
import type { LogFile } from './log-file.ts';
import { type BatchHeader, blockBytes, checksumOf, decodeBatchHeader, fileBlocksMax } from './log-format.ts';
import { OverlayDamaged } from './overlay-failed.ts';

/** A batch that was found in a file, and the block at which it begins. */
interface FoundBatch {
  readonly block: number;
  readonly header: BatchHeader;
  readonly hasItsData: boolean;
}

/** What is in a file without an index. */
export interface ScannedLog {
  readonly file: LogFile;
  /** From the front, without a gap in their sequences. */
  readonly batches: readonly FoundBatch[];
  /** Every batch up to this sequence was durable once, by what any header of the file says. */
  readonly synced: number;
  /** There is nothing behind the header: no batch was ever begun. */
  readonly isPristine: boolean;
}

/**
 * Reads a log file that was not sealed: batch after batch, up to the first that is not there. What is behind that is
 * looked through for headers all the same, because one of them may know that what is missing had been durable.
 */
export async function scanLog(file: LogFile): Promise<ScannedLog> {
  const sizeBytes = await file.sizeBytes();
  const end = Math.min(Math.floor(sizeBytes / blockBytes), 2 * fileBlocksMax);
  const reader = new WindowReader(file, end);
  const batches: FoundBatch[] = [];
  let synced = 0;
  let block = 1;
  while (block < end) {
    const header = decodeBatchHeader(await reader.blocks(block, 1), file.salt);
    const last = batches.at(-1);
    if (header === undefined || (last !== undefined && header.sequence !== last.header.sequence + 1)) break;
    synced = Math.max(synced, header.synced);
    batches.push({ block, header, hasItsData: await hasItsData(reader, header, block + 1, end) });
    block += 1 + header.data.length;
  }
  for (; block < end; block += 1) {
    const header = decodeBatchHeader(await reader.blocks(block, 1), file.salt);
    if (header !== undefined) synced = Math.max(synced, header.synced);
  }
  return { file, batches, synced, isPristine: sizeBytes === blockBytes };
}

async function hasItsData(reader: WindowReader, header: BatchHeader, block: number, end: number): Promise<boolean> {
  if (block + header.data.length > end) return false;
  const bytes = await reader.blocks(block, header.data.length);
  return header.data.every(
    ({ checksum }, index) => checksumOf(bytes.subarray(index * blockBytes, (index + 1) * blockBytes)) === checksum,
  );
}

/**
 * Decides what of scanned files counts, and says so in the files: the batches up to the first that a crash has torn.
 *
 * A batch that was durable can't have been torn: its header says what it has to have, and a read of a block that is other
 * than that fails. If it is not there at all, the file is damaged.
 *
 * @param scans in the order of the log
 * @param lastSequence of the batches before them
 */
export function acceptBatches(scans: readonly ScannedLog[], lastSequence: number): void {
  const synced = scans.reduce((most, scan) => Math.max(most, scan.synced), 0);
  let last = lastSequence;
  for (const [index, { file, batches }] of scans.entries()) {
    const entries = new IndexEntries();
    for (const { block, header, hasItsData } of batches) {
      if (!hasItsData && header.sequence > synced) break;
      let place = block + 1;
      for (const data of header.data) {
        entries.addData(data.block, place, data.checksum);
        place += 1;
      }
      for (const zeros of header.zeros) entries.addZeros(zeros.block, zeros.count);
      file.endBlock = place;
      file.lastSequence = header.sequence;
      last = header.sequence;
    }
    file.entries = entries;
    const following = scans.slice(index + 1).find((scan) => scan.batches.length > 0)?.batches[0]?.header.sequence;
    if (last < synced && following !== last + 1) {
      throw new OverlayDamaged(file.path, `block ${file.endBlock} has not batch ${last + 1}, which had been durable`);
    }
  }
}

/** Reads a file from front to back in large pieces. */
class WindowReader {
  readonly #file: LogFile;
  readonly #end: number;
  readonly #window = Buffer.alloc(windowBlocks * blockBytes);
  #start = 0;
  #stop = 0;

  constructor(file: LogFile, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /** @returns bytes that the next call may take back */
  async blocks(block: number, count: number): Promise<Buffer> {
    if (block < this.#start || block + count > this.#stop) {
      this.#start = block;
      this.#stop = Math.min(block + windowBlocks, this.#end);
      await this.#file.read(this.#window.subarray(0, (this.#stop - this.#start) * blockBytes), block);
    }
    const at = (block - this.#start) * blockBytes;
    return this.#window.subarray(at, at + count * blockBytes);
  }
}

/** 4 MiB: twice the longest batch. */
const windowBlocks = 1024;
