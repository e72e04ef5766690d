import type { Frame } from './frame-pool.ts';
import { type Piece, planRead } from './plan-read.ts';
import { dataHeaderBytes, holeChunk, writeDataHeader, writeSimpleHeader } from './replies.ts';
import type { Request } from './request.ts';
import type { Reply, Served } from './served.ts';
import { commandFlag, simpleReplyHeaderBytes } from './transmission-numbers.ts';

/** The device could not be read at this place. Whatever was sent of the reply before is right. */
export class ReadFailed extends Error {
  readonly offset: number;

  constructor(offset: number, cause: unknown) {
    super(`could not read at ${offset}`, { cause });
    this.name = 'ReadFailed';
    this.offset = offset;
  }
}

/**
 * A smaller read is answered with its bytes: to ask what they are takes longer than to read them. 4 KiB random reads
 * at depth 16 are the measure.
 */
const plannedFromBytes = 64 * 1024;

/**
 * Reads, and returns the last piece of the reply; those before it are sent on the way. A client that takes structured
 * replies in pieces gets the device's holes and zeros as such.
 */
export async function answerRead(served: Served, request: Request): Promise<Reply> {
  const { offset, length, flags } = request;
  if (!served.structuredReplies) return await readForSimpleReply(served, request);
  if (length < plannedFromBytes || (flags & commandFlag.df) !== 0) {
    return await readPiece(served, request, { offset, length, isData: true }, true);
  }
  const pieces = await planOrFail(served, request);
  const last = pieces.pop();
  for (const piece of pieces) served.send(await readPiece(served, request, piece, false));
  if (last === undefined) throw new ReadFailed(offset, new Error('the device named no extents'));
  return await readPiece(served, request, last, true);
}

async function planOrFail({ device, readSignal }: Served, { offset, length }: Request): Promise<Piece[]> {
  try {
    return await planRead(device, offset, length, readSignal);
  } catch (cause) {
    throw new ReadFailed(offset, cause);
  }
}

async function readForSimpleReply(served: Served, request: Request): Promise<Reply> {
  const { frame, end } = await readFrame(served, request);
  const start = dataHeaderBytes - simpleReplyHeaderBytes;
  writeSimpleHeader(frame.memory, start, 0, request);
  return { bytes: frame.memory.subarray(start, end), frame };
}

async function readPiece(served: Served, request: Request, piece: Piece, isLast: boolean): Promise<Reply> {
  const { offset, length, isData } = piece;
  if (!isData) return { bytes: holeChunk(request, { offset, length, isLast }) };
  const { frame, end } = await readFrame(served, piece);
  writeDataHeader(frame.memory, request, { offset, length, isLast });
  return { bytes: frame.memory.subarray(0, end), frame };
}

/** Fills a frame. One that could not be filled is not used again: the device may still have a hand in it. */
async function readFrame(
  { device, frames, readSignal }: Served,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<{ frame: Frame; end: number }> {
  const frame = frames.take(length);
  try {
    await device.readAt(frame.data, offset, { signal: readSignal });
  } catch (cause) {
    throw new ReadFailed(offset, cause);
  }
  return { frame, end: dataHeaderBytes + length };
}
