import type { ByteSource, ReadOptions } from '../../formats/byte-source.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import { printable } from '../../formats/printable.ts';
import { statedRaw } from '../../formats/raw.ts';
import { isZero } from '../../lib/zeros.ts';
import { dataRangesOf } from '../views.ts';
import { listed, type OpenArchiveOptions, type OpenedArchive } from './opened-archive.ts';
import { readMembers } from './read-members.ts';
import { isTarHeader, readTarHeader, type TarHeader, tarBlockBytes } from './tar-header.ts';

/*
 * The archive that Compute Engine takes disks in, as its documentation and the messages of its import tell: GNU or OLDGNU
 * format, which differ in nothing that matters here (magic "ustar  " 00 both), with one member, the raw disk, sparse or
 * not. The name is compared as it stands. Whether `./disk.raw` would pass is not documented, and no program is known that
 * relies on it: those that make such archives leave the `./` out, osbuild by an option of its own for this. So it is
 * refused, and nobody is told here that an archive is good which is refused there.
 */
const diskName = 'disk.raw';

/** How such an archive is made; the end of every refusal. */
export const packRawTar = 'Pack the disk from its own folder: tar --format=oldgnu -Sczf disk.tar.gz disk.raw';

/** Read at a time behind the end mark. */
const pieceBytes = 1024 * 1024;

/** Longest part of a name that is shown. */
const maxShownName = 200;

/**
 * Refuses what can be no such archive by its first bytes.
 *
 * @param head at least a header, or all that there is
 * @throws ImageRefused
 */
export function refuseOtherTars(head: Uint8Array): void {
  if (head.length < tarBlockBytes || !isTarHeader(head)) {
    throw refuse('layers.not-tar', 'What is packed with gzip is not a tar archive, or an empty one.');
  }
  const header = readTarHeader(head.subarray(0, tarBlockBytes), 0);
  mustBeGnu(header);
  if (header.kind === '0' || header.kind === 'S') mustBeTheDisk(header.name);
}

/**
 * The raw disk in a GNU tar archive that holds nothing else. Its bytes are the guest's, whatever they look like: who
 * writes to a disk can make it look like another format, with a backing file and all (docs/security.md, 4).
 *
 * @throws ImageRefused for anything else, and what `readMembers` throws
 */
export async function openRawTar(archive: ByteSource, { limits, signal }: OpenArchiveOptions): Promise<OpenedArchive> {
  const { members, headers, endsAt, notes } = await readMembers(archive, limits, signal);
  for (const header of headers) mustBeGnu(header);
  // Long names have a header of their own.
  const entries = headers.filter(({ kind }) => kind !== 'L' && kind !== 'K');
  const [only] = members;
  if (entries.length > 1) {
    const reason = `The tar archive has ${entries.length} members, and must have one: ${listed(entries)}.`;
    throw refuse('tar.several-members', reason);
  }
  if (only === undefined) throw refuse('tar.no-disk', 'The tar archive has no files in it.');
  mustBeTheDisk(only.writtenName);
  await mustEnd(archive, endsAt, { signal });
  const { writtenName: member, sizeBytes: bytes, sparse } = only;
  return { source: only.bytes, report: { layer: 'tar', member, bytes, sparse, extents: [], notes }, format: statedRaw };
}

/** A PAX header makes any archive a POSIX one. The first two sentences are known to clients as they stand. */
function mustBeGnu({ flavour, kind }: TarHeader): void {
  const isPax = kind === 'x' || kind === 'g';
  if (flavour === 'gnu' && !isPax) return;
  const found = isPax ? 'POSIX (PAX)' : flavour === 'ustar' ? 'ustar' : 'v7';
  throw refuse(
    'tar.format',
    `The tar archive format is not supported. Supported formats are: GNU and OLDGNU. This one is ${found}.`,
  );
}

/** Clients know both sentences as they stand, doubled quotes and all. */
function mustBeTheDisk(name: string): void {
  if (name === diskName) return;
  const shown = printable(name.slice(0, maxShownName));
  const reason = `The file inside the tar archive was named ''${shown}''. It should be named ''${diskName}''.`;
  throw refuse('tar.disk-name', reason);
}

/** Zeros may follow the end mark, as many as the program's records are long. Anything else is another archive, or damage. */
async function mustEnd(archive: ByteSource, endsAt: number, options: ReadOptions): Promise<void> {
  for (const range of dataRangesOf(archive, endsAt, archive.sizeBytes - endsAt)) {
    for (let at = range.offset; at < range.offset + range.length; at += pieceBytes) {
      const length = Math.min(pieceBytes, range.offset + range.length - at);
      if (isZero(await archive.read(at, length, options))) continue;
      throw refuse('tar.trailing-bytes', `The tar archive goes on behind its end mark, at or behind byte ${at}.`);
    }
  }
}

function refuse(check: string, reason: string): ImageRefused {
  return new ImageRefused({ check, reason, remedy: packRawTar });
}
