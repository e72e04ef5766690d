import type { ByteSource } from '../formats/byte-source.ts';
import type { OpenedDisk } from '../formats/disk-format.ts';
import { openUnwrapped } from '../wrappers/open-unwrapped.ts';
import { type UnwrapOptions, unwrap } from '../wrappers/unwrap.ts';
import { describeSource, type SourceReport } from './source-report.ts';

export interface OpenDiskFileOptions extends UnwrapOptions {
  /** Of the file, in hexadecimal digits, if it is known. */
  readonly sha256: string | undefined;
  /** What it is called where it comes from; '' if nothing. */
  readonly fileName: string;
}

/** A disk file that can be read, and what was found on the way to it. Dispose it when the disk is read. */
export interface OpenedDiskFile extends AsyncDisposable {
  readonly disk: OpenedDisk;
  readonly report: SourceReport;
}

/**
 * Looks at a file from outside, takes off what is around it, and opens the disk in it. Imports and `inspect` both come
 * through here, so that what one says is what the other does.
 *
 * @throws ImageRefused, UnpackFailed
 */
export async function openDiskFile(source: ByteSource, options: OpenDiskFileOptions): Promise<OpenedDiskFile> {
  const unwrapped = await unwrap(source, options);
  try {
    const disk = await openUnwrapped(unwrapped, { signal: options.signal, fileName: options.fileName });
    const { layers, sourceSha256 } = unwrapped;
    const { sizeBytes } = source;
    const report = describeSource({ sizeBytes, sha256: options.sha256 ?? sourceSha256, layers, disk: disk.report });
    return { disk, report, [Symbol.asyncDispose]: () => unwrapped[Symbol.asyncDispose]() };
  } catch (error) {
    await unwrapped[Symbol.asyncDispose]();
    throw error;
  }
}
