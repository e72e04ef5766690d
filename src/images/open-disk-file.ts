import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import type { OpenedDisk } from '../formats/disk-format.ts';
import { openDisk } from '../formats/open-disk.ts';
import { describeSource, type SourceReport } from './source-report.ts';

export interface OpenDiskFileOptions extends ReadOptions {
  /** Of the file, in hexadecimal digits, if it is known. */
  readonly sha256: string | undefined;
}

/** A disk file that can be read, and what was found on the way to it. */
export interface OpenedDiskFile {
  readonly disk: OpenedDisk;
  readonly report: SourceReport;
}

/**
 * Looks at a file from outside and opens the disk in it. Imports and `inspect` both come through here, so that what
 * one says is what the other does.
 *
 * @throws ImageRefused
 */
export async function openDiskFile(
  source: ByteSource,
  { sha256, signal }: OpenDiskFileOptions,
): Promise<OpenedDiskFile> {
  const disk = await openDisk(source, { signal });
  const { sizeBytes } = source;
  return { disk, report: describeSource({ sizeBytes, sha256, layers: [], disk: disk.report }) };
}
