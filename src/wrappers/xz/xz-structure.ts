import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { ByteSource, ReadOptions } from '../../formats/byte-source.ts';
import type { ImageRefused } from '../../formats/image-refused.ts';
import { damaged, refusePacked, sendAgain } from '../decompressor.ts';

/*
 * An xz file (The .xz File Format 1.2) is streams that follow each other, with zeros (a multiple of 4) between and behind.
 * A stream, numbers little-endian:
 *
 *   0  6  fd "7zXZ" 00
 *   6  2  flags: 00, and the kind of check sum in the lower 4 bits
 *   8  4  CRC-32 of the flags
 *         blocks; a block's header:
 *             0  1  length / 4 - 1
 *             1  1  flags: filters - 1 in bits 0-1, packed length given (64), length given (128)
 *                   lengths (variable), then for each filter: id (variable), length of properties (variable), properties
 *         index: 00, number of blocks (variable), for each its packed length and length (variable),
 *             zeros to a multiple of 4, CRC-32
 * -12  4  CRC-32 of the next six bytes
 *  -8  4  length of the index / 4 - 1
 *  -4  2  flags, as above
 *  -2  2  "YZ"
 */
const headBytes = 12;
const footerBytes = 12;
const streamMark = Buffer.from('fd377a585a00', 'hex');

/** A million blocks: 1 TiB in blocks of 1 MiB; those that xz makes for 4 TiB have at least 3. */
const maxIndexBytes = 8 * 1024 * 1024;

/** Blocks whose lengths are read on end: a few milliseconds of the main thread. */
const blocksAtOnce = 16_384;

const maxStreams = 1000;

/** More zeros behind a stream than a tape has. */
const maxPaddingBytes = 64 * 1024;

const lzma2 = 0x21;
const filterNames: Readonly<Record<number, string>> = {
  3: 'delta',
  4: 'x86',
  5: 'powerpc',
  6: 'ia64',
  7: 'arm',
  8: 'armthumb',
  9: 'sparc',
  10: 'arm64',
  11: 'riscv',
};
const readChecks = new Set([0, 1, 4]);
const sha256Check = 10;

/** The largest dictionary that the decoder takes. */
const maxDictionaryBytes = 64 * 1024 * 1024;

export interface XzStructure {
  readonly streams: number;
  /** What the file says that all of it holds. */
  readonly bytes: number;
}

/**
 * Reads what an xz file says of itself at the ends of its streams, from the last to the first: how much is in it, and
 * whether it is packed in a way that is read. Its data is not looked at.
 *
 * @throws ImageRefused
 */
export async function readXzStructure(source: ByteSource, options?: ReadOptions): Promise<XzStructure> {
  let streams = 0;
  let bytes = 0;
  for (let end = source.sizeBytes; end > 0; streams++) {
    if (streams === maxStreams) throw refusePacked('xz', 'streams', `The xz data has more than ${maxStreams} streams.`);
    const stream = await readStream(source, await passPadding(source, end, options), options);
    bytes += stream.bytes;
    end = stream.start;
  }
  return { streams, bytes };
}

/** Where the stream before `end` ends, zeros passed over. */
async function passPadding(source: ByteSource, end: number, options?: ReadOptions): Promise<number> {
  const length = Math.min(end, maxPaddingBytes + 4);
  const bytes = await source.read(end - length, length, options);
  let at = length;
  while (at > 0 && bytes[at - 1] === 0) at -= 1;
  // The last bytes of a stream are not zeros.
  if ((length - at) % 4 !== 0 || at === 0) throw noFooter(end);
  return end - length + at;
}

async function readStream(
  source: ByteSource,
  end: number,
  options?: ReadOptions,
): Promise<{ start: number; bytes: number }> {
  if (end < headBytes + footerBytes) throw noFooter(end);
  const footer = viewOf(await source.read(end - footerBytes, footerBytes, options));
  if (footer.getUint16(10) !== 0x595a || footer.getUint32(0, true) !== crc32(bytesOf(footer, 4, 6)))
    throw noFooter(end);
  const check = footer.getUint8(9) & 0x0f;
  if (!readChecks.has(check)) throw unreadCheck(check);
  const indexBytes = (footer.getUint32(4, true) + 1) * 4;
  if (indexBytes > maxIndexBytes || indexBytes > end - footerBytes - headBytes) {
    throw damaged('xz', end, `an index of ${indexBytes} bytes is said to be in it`);
  }
  const indexStart = end - footerBytes - indexBytes;
  const index = await readIndex(await source.read(indexStart, indexBytes, options), end);
  const start = indexStart - index.packedBytes - headBytes;
  if (start < 0) throw damaged('xz', end, 'its index names more packed bytes than there are');
  const head = await source.read(start, Math.min(headBytes + 1024, indexStart - start), options);
  if (!streamMark.equals(head.subarray(0, streamMark.length)))
    throw damaged('xz', start, 'where a stream was to begin is none');
  if (index.packedBytes > 0) checkFilters(head.subarray(headBytes), start);
  return { start, bytes: index.bytes };
}

async function readIndex(index: Uint8Array, end: number): Promise<{ packedBytes: number; bytes: number }> {
  const wrong = () => damaged('xz', end, 'its index is not one');
  const view = viewOf(index);
  const sumAt = index.length - 4;
  if (index.length < 8 || index[0] !== 0 || view.getUint32(sumAt, true) !== crc32(index.subarray(0, sumAt)))
    throw wrong();
  const numbers = new VariableNumbers(index.subarray(0, sumAt), 1, wrong);
  let packedBytes = 0;
  let bytes = 0;
  for (let left = numbers.next(); left > 0; left--) {
    if (left % blocksAtOnce === 0) await setImmediate();
    packedBytes += Math.ceil(numbers.next() / 4) * 4;
    bytes += numbers.next();
    if (!Number.isSafeInteger(packedBytes) || !Number.isSafeInteger(bytes)) throw wrong();
  }
  return { packedBytes, bytes };
}

/** The first block's filters; the decoder looks at those of the others, but can't say what is wrong with them. */
function checkFilters(block: Uint8Array, start: number): void {
  const wrong = () => damaged('xz', start, 'the header of its first block is not one');
  const flags = block[1] ?? 0;
  const numbers = new VariableNumbers(block.subarray(0, ((block[0] ?? 0) + 1) * 4), 2, wrong);
  if ((flags & 0x40) !== 0) numbers.next();
  if ((flags & 0x80) !== 0) numbers.next();
  for (let left = (flags & 3) + 1; left > 0; left--) {
    const id = numbers.next();
    const properties = numbers.bytes(numbers.next());
    if (id !== lzma2) {
      const name = filterNames[id] ?? `number ${id}`;
      throw refusePacked(
        'xz',
        'filter',
        `The xz data is packed with the filter ${name}; only plain LZMA2 is read.`,
        again,
      );
    }
    const size = dictionaryBytes(properties[0] ?? 0);
    if (size > maxDictionaryBytes) {
      const reason = `The xz data asks for a dictionary of ${size} bytes of memory; at most ${maxDictionaryBytes} are given.`;
      throw refusePacked('xz', 'dictionary', reason, again);
    }
  }
}

const again = 'Pack it anew: unxz FILE, then xz.';

function dictionaryBytes(code: number): number {
  return (2 + (code & 1)) * 2 ** ((code >>> 1) + 11);
}

function unreadCheck(check: number): ImageRefused {
  const name = check === sha256Check ? 'SHA-256' : `number ${check}`;
  return refusePacked('xz', 'check', `The xz data has check sums of the kind ${name}, which are not read.`, again);
}

function noFooter(end: number): ImageRefused {
  const reason = `The xz data does not end at byte ${end} as an xz stream ends: it is cut short, or something follows it.`;
  return refusePacked('xz', 'truncated', reason, sendAgain);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length);
}

/** Numbers of up to 9 bytes, 7 bits in each, the lowest first; all but the last have their highest bit set. */
class VariableNumbers {
  readonly #bytes: Uint8Array;
  readonly #wrong: () => ImageRefused;
  #at: number;

  constructor(bytes: Uint8Array, at: number, wrong: () => ImageRefused) {
    this.#bytes = bytes;
    this.#at = at;
    this.#wrong = wrong;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 56; scale *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.#wrong();
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw this.#wrong();
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw this.#wrong();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
