import { ImageRefused } from '../formats/image-refused.ts';
import { knownFormats } from '../formats/known-formats.ts';
import { hasPartitionTable } from '../formats/partition-table.ts';
import { hasMark, type Probe } from '../formats/probe.ts';
import { bzip2 } from './bzip2/bzip2.ts';
import type { Decompressor } from './decompressor.ts';
import { gzip } from './gzip.ts';
import { isTarHeader } from './tar/tar-header.ts';
import { xz } from './xz/xz.ts';
import { zstd } from './zstd.ts';

/** What is around a file: something packed, or an archive. */
export type Wrapper = Decompressor | { readonly name: 'tar' };

interface KnownWrapper {
  readonly wrapper: Wrapper;
  recognises(head: Uint8Array): boolean;
}

const knownWrappers: readonly KnownWrapper[] = [
  { wrapper: gzip, recognises: (head) => hasMark(head, 0, '\x1f\x8b') },
  { wrapper: xz, recognises: (head) => hasMark(head, 0, '\xfd7zXZ\0') },
  { wrapper: zstd, recognises: isZstd },
  { wrapper: bzip2, recognises: isBzip2 },
  { wrapper: { name: 'tar' }, recognises: isTarHeader },
];

/**
 * The wrapper a file says that it is, by its bytes alone. A file that is a disk file, too, is refused: two programs would
 * read two different disks from it.
 *
 * @throws ImageRefused
 */
export function recogniseWrapper(probe: Probe): Wrapper | undefined {
  const known = knownWrappers.find(({ recognises }) => recognises(probe.head));
  if (known === undefined) return undefined;
  const others = knownFormats.filter((format) => format.recognises(probe)).map((format) => format.name);
  // What is behind a tar header in its sector is never a partition table: it is zeros.
  if (hasPartitionTable(probe.head.subarray(0, 512))) others.push('a partitioned disk');
  if (others.length > 0) {
    throw new ImageRefused({
      check: 'format.ambiguous',
      reason: `The file says that it is ${known.wrapper.name} and ${others.join(' and ')}: two programs would read two different disks from it.`,
      remedy: 'Unpack it where it was made, and import the disk file.',
    });
  }
  return known.wrapper;
}

/** A frame, or skippable frames (RFC 8878, 3.1.2: a mark, a length of 4 bytes, so many bytes) with a frame behind them. */
function isZstd(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = 0;
  while (at + 8 <= head.length && view.getUint32(at, true) >>> 4 === 0x184d2a5) at += 8 + view.getUint32(at + 4, true);
  return hasMark(head, at, '\x28\xb5\x2f\xfd');
}

/** A stream's head, with a block's mark or, where it is empty, the mark of its end. */
function isBzip2(head: Uint8Array): boolean {
  return hasMark(head, 0, 'BZh') && (hasMark(head, 4, '1AY&SY') || hasMark(head, 4, '\x17\x72\x45\x38\x50\x90'));
}
