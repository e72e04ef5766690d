import type { SparseKind } from '../layer-report.ts';
import type { UnwrapLimits } from '../unwrap-limits.ts';
import { type ArchiveReader, inBlocks } from './archive-reader.ts';
import type { PaxRecord } from './pax-records.ts';
import { numberOf, textOf } from './pax-values.ts';
import { badMap, SparseMap } from './sparse-map.ts';
import { readTarNumber, tarBlockBytes } from './tar-header.ts';

/*
 * Sparse members (GNU tar's manual, "Storing Sparse Files"):
 *
 *   oldgnu   kind S; ranges in the header and in blocks that follow it (tar-header.ts)
 *   pax 0.0  records GNU.sparse.size, GNU.sparse.numblocks, then GNU.sparse.offset and GNU.sparse.numbytes for each range
 *   pax 0.1  GNU.sparse.size, GNU.sparse.map: "offset,length,offset,length,..."
 *   pax 1.0  GNU.sparse.major=1, minor=0, realsize; before the data, in whole blocks, decimal lines: how many ranges, and
 *            for each its offset and its length
 */
export interface FoundSparse {
  readonly kind: SparseKind;
  readonly map: SparseMap;
  /** Where the stored ranges begin in the archive. */
  readonly dataStart: number;
}

const rangesInHeader = 4;
const rangesInBlock = 21;
const rangeBytes = 24;

/** @throws ImageRefused */
export async function readOldSparse(
  reader: ArchiveReader,
  header: Uint8Array,
  position: number,
  limits: UnwrapLimits,
): Promise<FoundSparse> {
  const sizeBytes = readTarNumber(header.subarray(483, 495), 'length of a sparse member', position);
  const map = new SparseMap(sizeBytes, limits.maxSparseRanges);
  addRanges(map, header.subarray(386, 386 + rangesInHeader * rangeBytes), position);
  let next = position + tarBlockBytes;
  for (let more = header[482] === 1; more; next += tarBlockBytes) {
    const block = await reader.read(next, tarBlockBytes);
    // A block without a range would be the way to an archive that never gets to its data.
    if (addRanges(map, block.subarray(0, rangesInBlock * rangeBytes), next) === 0)
      throw badMap('a block of it is empty');
    more = block[504] === 1;
  }
  return { kind: 'oldgnu', map, dataStart: next };
}

/** Adds the ranges of a header until the first that is not set, and returns how many they were. */
function addRanges(map: SparseMap, bytes: Uint8Array, position: number): number {
  for (let at = 0; at < bytes.length; at += rangeBytes) {
    if (bytes[at] === 0 || bytes[at + 12] === 0) return at / rangeBytes;
    const offset = readTarNumber(bytes.subarray(at, at + 12), 'offset of a range', position);
    map.add(offset, readTarNumber(bytes.subarray(at + 12, at + rangeBytes), 'length of a range', position));
  }
  return bytes.length / rangeBytes;
}

/**
 * The map of a member whose PAX records speak of one; undefined when they do not.
 *
 * @throws ImageRefused
 */
export async function readPaxSparse(
  reader: ArchiveReader,
  pax: readonly PaxRecord[],
  { start, stored }: { readonly start: number; readonly stored: number },
  limits: UnwrapLimits,
): Promise<FoundSparse | undefined> {
  if (!pax.some(({ key }) => key.startsWith('GNU.sparse.'))) return undefined;
  const major = textOf(pax, 'GNU.sparse.major');
  if (major !== undefined) {
    if (major !== '1' || textOf(pax, 'GNU.sparse.minor') !== '0') throw badMap('it is of an unknown version');
    const sizeBytes = numberOf(pax, 'GNU.sparse.realsize') ?? numberOf(pax, 'GNU.sparse.size');
    return await readLines(reader, new SparseMap(required(sizeBytes), limits.maxSparseRanges), { start, stored });
  }
  const map = new SparseMap(required(numberOf(pax, 'GNU.sparse.size')), limits.maxSparseRanges);
  const list = textOf(pax, 'GNU.sparse.map');
  const numbers = list === undefined ? listedRanges(pax) : list.split(',').filter((number) => number !== '');
  if (numbers.length !== 2 * required(numberOf(pax, 'GNU.sparse.numblocks')))
    throw badMap('it has another number of ranges than it says');
  for (let at = 0; at < numbers.length; at += 2) map.add(toNumber(numbers[at]), toNumber(numbers[at + 1]));
  return { kind: list === undefined ? 'pax-0.0' : 'pax-0.1', map, dataStart: start };
}

function listedRanges(pax: readonly PaxRecord[]): string[] {
  const numbers: string[] = [];
  for (const { key, value } of pax) {
    const place = key === 'GNU.sparse.offset' ? 0 : key === 'GNU.sparse.numbytes' ? 1 : undefined;
    if (place === undefined) continue;
    if (numbers.length % 2 !== place) throw badMap('its offsets and lengths do not take turns');
    numbers.push(value);
  }
  return numbers;
}

/** Reads the lines before the data, and adds their ranges. */
async function readLines(
  reader: ArchiveReader,
  map: SparseMap,
  { start, stored }: { readonly start: number; readonly stored: number },
): Promise<FoundSparse> {
  const lines = new BlockLines(reader, start, start + stored);
  for (let left = toNumber(await lines.next()); left > 0; left--) {
    const offset = toNumber(await lines.next());
    map.add(offset, toNumber(await lines.next()));
  }
  return { kind: 'pax-1.0', map, dataStart: start + inBlocks(lines.usedBytes) };
}

/** Short lines out of an archive's blocks. */
class BlockLines {
  readonly #reader: ArchiveReader;
  readonly #start: number;
  readonly #end: number;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;
  #blocks = 0;

  constructor(reader: ArchiveReader, start: number, end: number) {
    this.#reader = reader;
    this.#start = start;
    this.#end = end;
  }

  get usedBytes(): number {
    return Math.max(0, this.#blocks - 1) * tarBlockBytes + this.#at;
  }

  async next(): Promise<string> {
    let line = '';
    for (;;) {
      if (this.#at === this.#block.length) await this.#advance();
      const end = this.#block.indexOf(0x0a, this.#at);
      line += Buffer.from(this.#block.subarray(this.#at, end === -1 ? undefined : end)).toString('latin1');
      this.#at = end === -1 ? this.#block.length : end + 1;
      if (line.length > 20) throw badMap('it has something else than numbers in it');
      if (end !== -1) return line;
    }
  }

  async #advance(): Promise<void> {
    const next = this.#start + this.#blocks * tarBlockBytes;
    if (next + tarBlockBytes > this.#end) throw badMap('it is longer than its member');
    this.#block = await this.#reader.read(next, tarBlockBytes);
    this.#blocks += 1;
    this.#at = 0;
  }
}

function required(value: number | undefined): number {
  if (value === undefined) throw badMap('a number that it needs is missing');
  return value;
}

function toNumber(text: string | undefined): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badMap('it has something else than numbers in it');
  return value;
}
