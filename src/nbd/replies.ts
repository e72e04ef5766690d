import { allocationContextId } from './handshake-numbers.ts';
import type { Request } from './request.ts';
import {
  chunkDone,
  chunkHeaderBytes,
  chunkType,
  type ErrorName,
  errorNumber,
  simpleReplyHeaderBytes,
  simpleReplyMagic,
  structuredReplyMagic,
} from './transmission-numbers.ts';

type Cookie = Pick<Request, 'cookieHigh' | 'cookieLow'>;

/** Bytes before the data of an OFFSET_DATA chunk. */
export const dataHeaderBytes = chunkHeaderBytes + 8;

/** A simple reply's header, written over `target` from `at`:
 *
 *   32 bits  magic
 *   32 bits  error, 0 for none
 *   64 bits  cookie
 */
export function writeSimpleHeader(target: Buffer, at: number, error: number, cookie: Cookie): void {
  target.writeUInt32BE(simpleReplyMagic, at);
  target.writeUInt32BE(error, at + 4);
  target.writeUInt32BE(cookie.cookieHigh, at + 8);
  target.writeUInt32BE(cookie.cookieLow, at + 12);
}

/** The header of an OFFSET_DATA chunk, written over the beginning of `target`, whose data has `length` bytes. */
export function writeDataHeader(
  target: Buffer,
  cookie: Cookie,
  { offset, length, isLast }: { offset: number; length: number; isLast: boolean },
): void {
  writeChunkHeader(target, chunkType.offsetData, cookie, { length: 8 + length, isLast });
  writeOffset(target, chunkHeaderBytes, offset);
}

/** A reply that has no data and no failure. It is a simple one even to who understands others: it is the smaller one. */
export function simpleReply(cookie: Cookie, error?: ErrorName): Buffer {
  const reply = Buffer.allocUnsafe(simpleReplyHeaderBytes);
  writeSimpleHeader(reply, 0, error === undefined ? 0 : errorNumber[error], cookie);
  return reply;
}

/** Zeros: 64 bits offset, 32 bits length. */
export function holeChunk(
  cookie: Cookie,
  { offset, length, isLast }: { offset: number; length: number; isLast: boolean },
): Buffer {
  const chunk = Buffer.allocUnsafe(chunkHeaderBytes + 12);
  writeChunkHeader(chunk, chunkType.offsetHole, cookie, { length: 12, isLast });
  writeOffset(chunk, chunkHeaderBytes, offset);
  chunk.writeUInt32BE(length, chunkHeaderBytes + 8);
  return chunk;
}

/** Block status: 32 bits context, then for each extent 32 bits length and 32 bits flags. The last chunk of its reply. */
export function statusChunk(cookie: Cookie, extents: readonly { length: number; flags: number }[]): Buffer {
  const length = 4 + 8 * extents.length;
  const chunk = Buffer.allocUnsafe(chunkHeaderBytes + length);
  writeChunkHeader(chunk, chunkType.blockStatus, cookie, { length, isLast: true });
  chunk.writeUInt32BE(allocationContextId, chunkHeaderBytes);
  for (const [index, extent] of extents.entries()) {
    chunk.writeUInt32BE(extent.length, chunkHeaderBytes + 4 + 8 * index);
    chunk.writeUInt32BE(extent.flags, chunkHeaderBytes + 8 + 8 * index);
  }
  return chunk;
}

/**
 * A failure: 32 bits error, 16 bits length of a text for people, the text, and if the failure has a place its offset in
 * 64 bits. The last chunk of its reply.
 */
export function errorChunk(cookie: Cookie, error: ErrorName, message: string, offset?: number): Buffer {
  const text = Buffer.from(message);
  const length = 6 + text.length + (offset === undefined ? 0 : 8);
  const chunk = Buffer.allocUnsafe(chunkHeaderBytes + length);
  const type = offset === undefined ? chunkType.error : chunkType.errorOffset;
  writeChunkHeader(chunk, type, cookie, { length, isLast: true });
  chunk.writeUInt32BE(errorNumber[error], chunkHeaderBytes);
  chunk.writeUInt16BE(text.length, chunkHeaderBytes + 4);
  text.copy(chunk, chunkHeaderBytes + 6);
  if (offset !== undefined) writeOffset(chunk, chunkHeaderBytes + 6 + text.length, offset);
  return chunk;
}

/** A chunk's header:
 *
 *   32 bits  magic
 *   16 bits  flags
 *   16 bits  type
 *   64 bits  cookie
 *   32 bits  length of what follows
 */
function writeChunkHeader(
  target: Buffer,
  type: number,
  cookie: Cookie,
  { length, isLast }: { length: number; isLast: boolean },
): void {
  target.writeUInt32BE(structuredReplyMagic, 0);
  target.writeUInt16BE(isLast ? chunkDone : 0, 4);
  target.writeUInt16BE(type, 6);
  target.writeUInt32BE(cookie.cookieHigh, 8);
  target.writeUInt32BE(cookie.cookieLow, 12);
  target.writeUInt32BE(length, 16);
}

function writeOffset(target: Buffer, at: number, offset: number): void {
  target.writeUInt32BE(Math.floor(offset / 2 ** 32), at);
  target.writeUInt32BE(offset % 2 ** 32, at + 4);
}
