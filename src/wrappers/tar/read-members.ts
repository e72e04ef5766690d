import type { ByteSource } from '../../formats/byte-source.ts';
import { ImageRefused } from '../../formats/image-refused.ts';
import type { SparseKind } from '../layer-report.ts';
import type { UnwrapLimits } from '../unwrap-limits.ts';
import { patchworkOf, sliceOf } from '../views.ts';
import { ArchiveReader, cutShort, inBlocks } from './archive-reader.ts';
import { type PaxRecord, readPaxRecords } from './pax-records.ts';
import { numberOf, textOf } from './pax-values.ts';
import { readOldSparse, readPaxSparse } from './read-sparse.ts';
import type { SparseMap } from './sparse-map.ts';
import { decodeName, isEndBlock, readTarHeader, type TarHeader, tarBlockBytes } from './tar-header.ts';

/** A file in an archive. */
export interface TarMember {
  readonly name: string;
  /** The name as it stands in the archive: with `./` in front, if it has that. */
  readonly writtenName: string;
  /** Its length, holes included. */
  readonly sizeBytes: number;
  readonly sparse: SparseKind | undefined;
  /** Its bytes, read where they stand in the archive. */
  readonly bytes: ByteSource;
}

export interface TarArchive {
  readonly members: readonly TarMember[];
  /** Every header, in order: those of members, and those that only say something of the next one. */
  readonly headers: readonly TarHeader[];
  /** Where the mark of its end stands; without one, the end of the file. */
  readonly endsAt: number;
  readonly notes: readonly string[];
}

/** Programs write archives in records of so much; fewer zeros or none behind the end mean nothing. */
const recordBytes = 10 * 1024;

/** The longest that the eleven digits of a header tell. */
const maxOctalBytes = 8 ** 11 - 1;

/** As long as a path may be on Linux. */
const maxNameLength = 4096;

/** Kinds of members that are not files, by their character; what a person would call them. */
const otherKinds: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
  D: 'a list of a folder',
  M: 'the rest of a file from another archive',
};

/** What headers before a member say of it. */
interface Announced {
  name: string | undefined;
  pax: readonly PaxRecord[];
}

/**
 * Finds the files in a tar archive (POSIX, GNU, v7) without reading their data; folders are passed over. Nothing is ever
 * written anywhere by a member's name, and yet no name may be absolute or lead upwards: what another program would do with
 * the archive is then no surprise.
 *
 * @throws ImageRefused for a member that is no file or folder, has such a name or a name twice; for damage; beyond the
 *   limits
 */
export async function readMembers(
  source: ByteSource,
  limits: UnwrapLimits,
  signal: AbortSignal | undefined,
): Promise<TarArchive> {
  const reader = new ArchiveReader(source, { signal });
  const members: TarMember[] = [];
  const headers: TarHeader[] = [];
  const names = new Set<string>();
  const notes: string[] = [];
  let announced: Announced = { name: undefined, pax: [] };
  let position = 0;
  let textBytes = 0;
  let folders = 0;
  for (;;) {
    if (position === source.sizeBytes) {
      notes.push('The archive has no mark at its end.');
      break;
    }
    const block = await reader.read(position, tarBlockBytes);
    if (isEndBlock(block)) {
      const behind = source.sizeBytes - position;
      if (behind > 2 * recordBytes) notes.push(`${behind} bytes behind the archive's end mark were not looked at.`);
      break;
    }
    if (headers.length === limits.maxHeaders) {
      throw refuse('tar.headers', `The tar archive has more than ${limits.maxHeaders} headers.`);
    }
    const header = readTarHeader(block, position);
    headers.push(header);
    const start = position + tarBlockBytes;
    if (header.kind === 'x' || header.kind === 'g' || header.kind === 'L' || header.kind === 'K') {
      textBytes += header.sizeBytes;
      if (textBytes > limits.maxTextBytes) {
        const reason = `The tar archive has ${textBytes} bytes of text in its headers up to byte ${position}; at most ${limits.maxTextBytes} are read.`;
        throw refuse('tar.header-size', reason);
      }
      const text = (await reader.read(start, header.sizeBytes)).slice();
      if (header.kind === 'x') announced.pax = onlyOnce(announced.pax, readPaxRecords(text, position), position);
      else if (header.kind === 'g') passGlobal(readPaxRecords(text, position));
      else if (header.kind === 'L') announced.name = decodeName(text);
      position = start + inBlocks(header.sizeBytes);
      continue;
    }
    const stored = storedBytes(header, announced.pax);
    const { name, writtenName, kind } = nameOf(header, announced);
    if (kind === 'file') {
      if (names.has(name)) throw refuse('tar.duplicate-name', `The tar archive has two members named ${shown(name)}.`);
      names.add(name);
      const { member, dataEnd } = await readMember(
        reader,
        { header, position, stored, name, writtenName, pax: announced.pax },
        limits,
        block,
      );
      members.push(member);
      position = dataEnd;
    } else {
      // POSIX lets a folder have a size that nothing is stored for; not all programs know.
      if (stored !== 0)
        throw refuse(
          'tar.size-conflict',
          `The tar archive says of ${shown(name)}, which is no file, that it has ${stored} bytes.`,
        );
      if (kind === 'folder') folders += 1;
      position = start;
    }
    announced = { name: undefined, pax: [] };
  }
  if (folders > 0) notes.push(`Folders in the archive were passed over: ${folders}.`);
  return { members, headers, endsAt: position, notes };
}

/** The records of a member's one PAX header. Which of two would count is not said anywhere. */
function onlyOnce(
  earlier: readonly PaxRecord[],
  records: readonly PaxRecord[],
  position: number,
): readonly PaxRecord[] {
  if (earlier.length === 0) return records;
  throw refuse('tar.pax-record', `The tar archive has a second PAX header for one member, at byte ${position}.`);
}

/** What all members after it are to share: a comment or times, but neither their names nor where their data is. */
function passGlobal(records: readonly PaxRecord[]): void {
  const record = records.find(({ key }) => key === 'path' || key === 'size' || key.startsWith('GNU.sparse'));
  if (record !== undefined) {
    throw refuse('tar.global-header', `The tar archive gives all of its members one ${JSON.stringify(record.key)}.`);
  }
}

/**
 * The length of what is stored of a member. A PAX record of it is for those that the header's field can't tell; of two
 * that differ where it can, one program would take the one and another the other.
 */
function storedBytes(header: TarHeader, pax: readonly PaxRecord[]): number {
  const told = numberOf(pax, 'size') ?? header.sizeBytes;
  if (told !== header.sizeBytes && told <= maxOctalBytes) {
    const reason = `The tar archive says of ${shown(header.name)} both that it has ${header.sizeBytes} bytes and that it has ${told}.`;
    throw refuse('tar.size-conflict', reason);
  }
  return told;
}

interface Named {
  /** Without `./` in front, and without the slash that a folder's name may end with. */
  readonly name: string;
  readonly writtenName: string;
  /** `own` is what stands for the archive itself: its own folder, its label. */
  readonly kind: 'file' | 'folder' | 'own';
}

function nameOf(header: TarHeader, { name: longName, pax }: Announced): Named {
  const writtenName = textOf(pax, 'GNU.sparse.name') ?? textOf(pax, 'path') ?? longName ?? header.name;
  if (header.kind === 'V') return { name: writtenName, writtenName, kind: 'own' };
  // `tar -C FOLDER -c .` puts it before all names.
  const name = writtenName.replace(/^(\.\/)+/, '');
  const isFolder = header.kind === '5' || (header.kind === '0' && writtenName.endsWith('/'));
  if (isFolder && (name === '' || name === '.')) return { name: writtenName, writtenName, kind: 'own' };
  const isFile = header.kind === '0' || header.kind === '7' || header.kind === 'S';
  if (!isFolder && !isFile) {
    const what = otherKinds[header.kind] ?? `of the unknown kind ${JSON.stringify(header.kind)}`;
    throw refuse('tar.member-kind', `The member ${shown(writtenName)} of the tar archive is ${what}, not a file.`);
  }
  const path = isFolder ? name.replace(/\/$/, '') : name;
  if (
    path.length > maxNameLength ||
    /[\\\0]/.test(path) ||
    path.split('/').some((part) => part === '' || part === '.' || part === '..')
  ) {
    const reason = `The member ${shown(writtenName)} of the tar archive has a name that is absolute, leads upwards, is too long or none.`;
    throw refuse('tar.member-name', reason, 'Pack it anew from its folder: tar -cf disk.tar FILE');
  }
  return { name: path, writtenName, kind: isFolder ? 'folder' : 'file' };
}

interface FoundMember {
  readonly header: TarHeader;
  readonly position: number;
  /** Length of its stored bytes. */
  readonly stored: number;
  readonly name: string;
  readonly writtenName: string;
  readonly pax: readonly PaxRecord[];
}

async function readMember(
  reader: ArchiveReader,
  { header, position, stored, name, writtenName, pax }: FoundMember,
  limits: UnwrapLimits,
  block: Uint8Array,
): Promise<{ member: TarMember; dataEnd: number }> {
  const { source } = reader;
  const start = position + tarBlockBytes;
  const found =
    header.kind === 'S'
      ? await readOldSparse(reader, block, position, limits)
      : await readPaxSparse(reader, pax, { start, stored }, limits);
  const dataStart = found?.dataStart ?? start;
  const dataEnd = (found?.kind === 'oldgnu' ? dataStart : start) + stored;
  // The last member may lack what fills its last block.
  if (!Number.isSafeInteger(dataEnd) || dataEnd > source.sizeBytes) throw cutShort(source.sizeBytes, dataEnd);
  const sizeBytes = found?.map.sizeBytes ?? stored;
  if (sizeBytes > limits.maxBytes) {
    const reason = `The member ${shown(name)} of the tar archive has ${sizeBytes} bytes; at most ${limits.maxBytes} are read.`;
    throw refuse('tar.too-big', reason);
  }
  if (found !== undefined && found.map.storedBytes !== dataEnd - dataStart) {
    const reason = `The tar archive is damaged: the map of ${shown(name)} has ${found.map.storedBytes} bytes of data, and ${dataEnd - dataStart} are stored.`;
    throw refuse('tar.sparse-map', reason);
  }
  const bytes = found === undefined ? sliceOf(source, start, stored) : sparseView(source, dataStart, found.map);
  const member = { name, writtenName, sizeBytes, sparse: found?.kind, bytes };
  return { member, dataEnd: Math.min(inBlocks(dataEnd), source.sizeBytes) };
}

function sparseView(source: ByteSource, dataStart: number, map: SparseMap): ByteSource {
  return patchworkOf(map.sizeBytes, function* (offset, length) {
    for (const range of map.within(offset, length)) {
      yield { offset: range.offset, length: range.length, source, sourceOffset: dataStart + range.storedAt };
    }
  });
}

/** A name, safe to print and short. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function refuse(check: string, reason: string, remedy?: string): ImageRefused {
  return new ImageRefused({ check, reason, ...(remedy === undefined ? {} : { remedy }) });
}
