import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BlockDevice } from '../formats/block-device.ts';
import type { Pace } from '../lib/pace.ts';
import { syncDirectory } from '../lib/write-file-durably.ts';
import {
  blockBytes,
  checksumOf,
  emptyTable,
  encodeEnd,
  encodeTable,
  layOut,
  roundUp,
  type SpanTable,
  spanBytes,
  spansOf,
  tableBytes,
} from './pool-file-format.ts';

/** Read and written at a time. */
const pieceBytes = 1024 * 1024;

export interface WritePoolFileOptions {
  readonly device: BlockDevice & { readonly contentId: string };
  readonly path: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Called before each span with how much it writes at most; what it throws ends the writing. */
  onSpan(bytes: number): Promise<void>;
  /** So many guest bytes more are in the file. */
  onWritten(bytes: number): void;
}

/**
 * Writes all of a volume to a file of its own. The device verifies what it reads, and the checksums are of those same
 * bytes. When this returns the file is whole and durable; before, and when it throws, there is none of that name.
 */
export async function writePoolFile(options: WritePoolFileOptions): Promise<void> {
  const { path, signal } = options;
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  try {
    {
      await using file = await open(unfinished, 'wx', 0o600);
      await writeAll(file, options);
      await file.sync();
    }
    signal.throwIfAborted();
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {}); // the next start sweeps it
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** What the volume's file will take of a disk that keeps holes. */
export async function countPoolFile(device: BlockDevice, signal: AbortSignal): Promise<number> {
  const { sizeBytes } = device;
  let bytes = 0;
  let tables = 0;
  for (let start = 0; start < sizeBytes; start += spanBytes) {
    const runs = await dataRuns(device, start, Math.min(spanBytes, sizeBytes - start), signal);
    bytes += runs.reduce((sum, { length }) => sum + length, 0);
    if (runs.length > 0) tables += 1;
  }
  const { tablesAt, fileBytes } = layOut(sizeBytes, tables);
  return bytes + fileBytes - tablesAt;
}

async function writeAll(file: FileHandle, options: WritePoolFileOptions): Promise<void> {
  const { device, signal } = options;
  const { sizeBytes, contentId } = device;
  const { tablesAt } = layOut(sizeBytes, 0);
  const buffer = Buffer.alloc(pieceBytes);
  const spans: (SpanTable | undefined)[] = [];
  let tables = 0;
  for (let index = 0; index < spansOf(sizeBytes); index += 1) {
    const start = index * spanBytes;
    const runs = await dataRuns(device, start, Math.min(spanBytes, sizeBytes - start), signal);
    if (runs.length === 0) {
      spans.push(undefined);
      continue;
    }
    await options.onSpan(runs.reduce((sum, run) => sum + run.length, tableBytes));
    const table = emptyTable();
    for (const run of runs) await copyRun(file, run, { ...options, buffer, table, start });
    const encoded = encodeTable(table);
    await writeFully(file, encoded, tablesAt + tables * tableBytes);
    spans.push({ number: tables, checksum: checksumOf(encoded) });
    tables += 1;
    // Bit by bit: a machine that has gigabytes to write at once does nothing else meanwhile.
    await file.datasync();
  }
  await writeFully(file, encodeEnd({ sizeBytes, contentId, spans }), layOut(sizeBytes, tables).directoryAt);
}

/** A run of whole blocks; its end may lie behind the disk's. */
interface Run {
  readonly offset: number;
  length: number;
}

/** Where a span holds data, in whole blocks. */
async function dataRuns(device: BlockDevice, offset: number, length: number, signal: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const extent of device.extents(offset, length, { signal })) {
    if (extent.kind !== 'data') continue;
    const start = Math.floor(extent.offset / blockBytes) * blockBytes;
    const end = roundUp(extent.offset + extent.length);
    const last = runs.at(-1);
    if (last !== undefined && start <= last.offset + last.length) last.length = end - last.offset;
    else runs.push({ offset: start, length: end - start });
  }
  return runs;
}

interface Copying extends WritePoolFileOptions {
  readonly buffer: Buffer;
  readonly table: Uint32Array;
  /** Of the table's span. */
  readonly start: number;
}

async function copyRun(file: FileHandle, run: Run, copying: Copying): Promise<void> {
  const { device, buffer, table, start, pace, signal, onWritten } = copying;
  for (let at = run.offset; at < run.offset + run.length; at += pieceBytes) {
    const length = Math.min(pieceBytes, run.offset + run.length - at);
    const there = Math.min(length, device.sizeBytes - at);
    await pace.spend(length, signal);
    await device.readAt(buffer.subarray(0, there), at, { signal });
    buffer.fill(0, there, length);
    for (let block = 0; block < length; block += blockBytes) {
      table[(at - start + block) / blockBytes] = checksumOf(buffer.subarray(block, block + blockBytes));
    }
    await writeFully(file, buffer.subarray(0, length), at);
    onWritten(length);
  }
}

/** A file system that fills up may take a part of a write. */
async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }
}
