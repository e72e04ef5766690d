import { crc32, createInflateRaw } from 'node:zlib';
import {
  type DecompressOptions,
  type Decompressor,
  damaged,
  ignoreTrailing,
  refusePacked,
  truncated,
} from './decompressor.ts';
import { isTooManyStreams, tooManyStreams } from './stream-limit.ts';
import { isUnexpectedEnd, isZlibFailure, throughZlib, zlibOutput } from './zlib-stream.ts';

/*
 * A gzip file (RFC 1952) is members that follow each other. A member, numbers little-endian:
 *
 *   0  2  1f 8b
 *   2  1  method: 8 is deflate, the only one there is
 *   3  1  flags: 1 text, 2 header CRC, 4 extra field, 8 name, 16 comment; the rest must be 0
 *   4  6  time, extra flags, system
 *  10     with its flag each: extra field (length 2, bytes), name and comment (up to a zero byte), header CRC (2)
 *         raw deflate
 *      4  CRC-32 of the bytes
 *      4  how many they are, modulo 2^32
 */
const headBytes = 10;
const flagHeaderCrc = 2;
const flagExtra = 4;
const flagName = 8;
const flagComment = 16;
const reservedFlags = 0xe0;
const trailerBytes = 8;

/** Longest name or comment in a header; file systems' names end at 255 bytes. */
const maxHeaderText = 64 * 1024;

/**
 * gzip files: all members are read, as gzip does. Zeros behind the last one are a tape's padding, which gzip passes
 * over without a word; for other bytes see `ignoreTrailing`.
 */
export const gzip: Decompressor = {
  name: 'gzip',
  command: 'gunzip FILE',
  async *decompress(options) {
    const { reader, facts } = options;
    let bytes = 0;
    for (let streams = 1; ; streams++) {
      const start = reader.position;
      if (!(await isMember(options, start))) return;
      if (isTooManyStreams(streams, bytes)) {
        const reason = `The gzip data is not unpacked: ${tooManyStreams(streams, bytes)}.`;
        throw refusePacked('gzip', 'streams', reason, 'Pack it anew: gunzip FILE, then gzip.');
      }
      await passHeader(options);
      facts.streams = streams;
      for await (const chunk of inflateMember(options)) {
        bytes += chunk.length;
        yield chunk;
      }
    }
  },
};

/** Whether a member begins where the reader stands; what else may stand there is the end of the file or left aside. */
async function isMember(options: DecompressOptions, start: number): Promise<boolean> {
  const { reader } = options;
  const mark = await reader.take(2);
  if (mark[0] === 0x1f && (mark[1] === 0x8b || mark[1] === undefined)) return true;
  if (start === 0) throw damaged('gzip', 0, 'it does not begin with 1f 8b');
  if (mark.length > 0) ignoreTrailing('gzip', options, start);
  return false;
}

async function passHeader({ reader }: DecompressOptions): Promise<void> {
  const start = reader.position - 2;
  const head = await take(headBytes - 2);
  const [method = 0, flags = 0] = head;
  if (method !== 8)
    throw refusePacked(
      'gzip',
      'method',
      `The gzip data at byte ${start} is packed with method ${method}; there is only 8.`,
    );
  if ((flags & reservedFlags) !== 0) {
    throw refusePacked(
      'gzip',
      'flags',
      `The gzip data at byte ${start} has the flags ${flags}, of which the upper three mean nothing.`,
    );
  }
  if ((flags & flagExtra) !== 0) {
    const [low = 0, high = 0] = await take(2);
    await take(low + 256 * high);
  }
  if ((flags & flagName) !== 0) await takeText();
  if ((flags & flagComment) !== 0) await takeText();
  if ((flags & flagHeaderCrc) !== 0) await take(2);

  async function take(length: number): Promise<Uint8Array> {
    const bytes = await reader.take(length);
    if (bytes.length < length) throw truncated('gzip', reader);
    return bytes;
  }

  async function takeText(): Promise<void> {
    for (let left = maxHeaderText; left > 0; ) {
      const bytes = await reader.next(left);
      if (bytes === undefined) throw truncated('gzip', reader);
      const end = bytes.indexOf(0);
      if (end !== -1) return reader.giveBack(bytes.length - end - 1);
      left -= bytes.length;
    }
    throw refusePacked(
      'gzip',
      'header',
      `The gzip header at byte ${start} has a name or comment of more than ${maxHeaderText} bytes.`,
    );
  }
}

async function* inflateMember({ reader }: DecompressOptions): AsyncGenerator<Uint8Array> {
  let sum = 0;
  let length = 0;
  try {
    for await (const chunk of throughZlib(createInflateRaw(zlibOutput), reader)) {
      sum = crc32(chunk, sum);
      length += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (isUnexpectedEnd(error)) throw truncated('gzip', reader, error);
    if (isZlibFailure(error)) throw damaged('gzip', reader.position, error.message, error);
    throw error;
  }
  const trailer = await reader.take(trailerBytes);
  if (trailer.length < trailerBytes) throw truncated('gzip', reader);
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (view.getUint32(0, true) !== sum)
    throw damaged('gzip', reader.position, 'its CRC-32 does not match the bytes before it');
  if (view.getUint32(4, true) !== length % 2 ** 32) {
    throw damaged(
      'gzip',
      reader.position,
      `it says that ${view.getUint32(4, true)} bytes (modulo 2^32) were to come out, and ${length} did`,
    );
  }
}
