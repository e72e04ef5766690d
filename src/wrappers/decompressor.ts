import { ImageRefused } from '../formats/image-refused.ts';
import type { InOrderReader } from './in-order-reader.ts';
import type { CompressedLayer } from './layer-report.ts';
import type { UnwrapLimits } from './unwrap-limits.ts';

/** What was found out about a packed file while it was unpacked; whole at the end. */
export interface PackedFacts {
  streams: number | undefined;
  ignoredBytes: number;
  readonly notes: string[];
}

export interface DecompressOptions {
  readonly reader: InOrderReader;
  readonly limits: UnwrapLimits;
  /** Filled in on the way. */
  readonly facts: PackedFacts;
  readonly signal?: AbortSignal | undefined;
}

/** A format of packed files. */
export interface Decompressor {
  readonly name: CompressedLayer['layer'];
  /** The command that unpacks such a file. */
  readonly command: string;
  /**
   * The bytes in a packed file, in order, in chunks of at most a MiB; a chunk is the caller's until the next is asked
   * for. Ends without an error only when all of the file was read and every check sum in it was right.
   *
   * @throws ImageRefused
   */
  decompress(options: DecompressOptions): AsyncGenerator<Uint8Array>;
}

/** What is wrong with a packed file, by a check's name: `gzip.truncated`. */
export function refusePacked(
  layer: CompressedLayer['layer'],
  check: string,
  reason: string,
  remedy?: string,
  cause?: unknown,
): ImageRefused {
  return new ImageRefused({ check: `${layer}.${check}`, reason, cause, ...(remedy === undefined ? {} : { remedy }) });
}

export const sendAgain = 'Compare its checksum with the original, and send it again.';

export function truncated(layer: CompressedLayer['layer'], reader: InOrderReader, cause?: unknown): ImageRefused {
  const reason = `The ${layer} data is cut short: the file ends at byte ${reader.sizeBytes}, before its data does.`;
  return refusePacked(layer, 'truncated', reason, sendAgain, cause);
}

/** @param what the end of a sentence */
export function damaged(
  layer: CompressedLayer['layer'],
  position: number,
  what: string,
  cause?: unknown,
): ImageRefused {
  const reason = `The ${layer} data is damaged at or before byte ${position}: ${what}.`;
  return refusePacked(layer, 'damaged', reason, sendAgain, cause);
}

/**
 * Bytes behind the packed data that are no part of it: gzip and bzip2 leave them aside with a warning, and makers of
 * firmware put signatures there. More than so many are rather a stream that lost its head.
 */
export const maxIgnoredBytes = 64 * 1024;

/** Leaves aside what follows the packed data, and says so. */
export function ignoreTrailing(
  layer: CompressedLayer['layer'],
  { reader, facts }: DecompressOptions,
  position: number,
): void {
  const bytes = reader.sizeBytes - position;
  if (bytes > maxIgnoredBytes) {
    const reason = `The ${layer} data ends at byte ${position} and ${bytes} bytes follow that are no ${layer} data; at most ${maxIgnoredBytes} are left aside.`;
    throw refusePacked(layer, 'trailing-bytes', reason, sendAgain);
  }
  facts.ignoredBytes = bytes;
  facts.notes.push(`${bytes} bytes behind the ${layer} data are no part of it and were left aside.`);
}
