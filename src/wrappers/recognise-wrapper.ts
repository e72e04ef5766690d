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

/** A frame, or a skippable one (RFC 8878, 3.1.2: marks 0x184d2a50 to 5f, little-endian), however long it is. */
function isZstd(head: Uint8Array): boolean {
  const isSkippable = hasMark(head, 1, '\x2a\x4d\x18') && (head[0] ?? 0) >>> 4 === 5;
  return isSkippable || hasMark(head, 0, '\x28\xb5\x2f\xfd');
}

/** A stream's head, with a block's mark or, where it is empty, the mark of its end. */
function isBzip2(head: Uint8Array): boolean {
  return hasMark(head, 0, 'BZh') && (hasMark(head, 4, '1AY&SY') || hasMark(head, 4, '\x17\x72\x45\x38\x50\x90'));
}
