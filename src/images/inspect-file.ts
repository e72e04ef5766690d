import { basename } from 'node:path';
import { ImageRefused } from '../formats/image-refused.ts';
import { openFileSource } from '../sources/file-source.ts';
import { hashInOrder } from '../sources/hash-in-order.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { digestDisk } from '../volumes/digest-disk.ts';
import { removeUnpacked } from '../wrappers/work-record.ts';
import { openDiskFile } from './open-disk-file.ts';
import type { SourceReport } from './source-report.ts';

export interface InspectOptions {
  /** Reads the file's headers and tables only, as an import does before it stores anything. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  /** Where the file may be unpacked to; what is there at the end is removed. The folder exists. */
  readonly workPath: string;
  /** Called often. `hashing` counts bytes of the file, `reading` bytes of the disk. */
  readonly onProgress: (phase: 'hashing' | 'reading', doneBytes: number, totalBytes: number) => void;
}

/** What an import would do with the file. */
export interface Inspection {
  /** Why no image can be made of it. */
  readonly refusal: ImageRefused | undefined;
  /** The digest that the image would have, in hexadecimal digits; undefined when not all was read. */
  readonly guestDigest: string | undefined;
  /** Undefined when the file was refused before it was known. */
  readonly report: SourceReport | undefined;
}

/**
 * Does with a file what an import does, but for storing it. A refusal is an answer; what is thrown is the file system's
 * failure, or the signal's reason.
 */
export async function inspectFile(path: string, options: InspectOptions): Promise<Inspection> {
  const { quick, signal, workPath, onProgress } = options;
  await using source = await openFileSource(path);
  const sha256 = quick
    ? undefined
    : await hashInOrder('sha256', source.sizeBytes, async (target, offset) => {
        target.set(await source.read(offset, target.length, { signal, into: target }));
        onProgress('hashing', offset + target.length, source.sizeBytes);
      });
  let report: SourceReport | undefined;
  try {
    await using opened = await openDiskFile(source, { sha256, fileName: basename(path), signal, workPath });
    report = opened.report;
    if (quick) return { refusal: undefined, guestDigest: undefined, report };
    const { map, source: view } = opened.disk;
    let done = 0;
    const digest = await digestDisk(view, map, {
      signal,
      onProgress(bytes) {
        done += bytes;
        onProgress('reading', done, map.sizeBytes);
      },
    });
    return { refusal: undefined, guestDigest: hexOf(digest), report };
  } catch (error) {
    if (!(error instanceof ImageRefused)) throw error;
    return { refusal: error, guestDigest: undefined, report };
  } finally {
    await removeUnpacked(workPath);
  }
}
