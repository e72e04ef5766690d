import type { ExtentKind, WritableBlockDevice } from '../formats/block-device.ts';
import { answerRead } from './answer-read.ts';
import { planRead } from './plan-read.ts';
import { simpleReply, statusChunk } from './replies.ts';
import type { Request } from './request.ts';
import type { Reply, Served } from './served.ts';
import { blockState, command, commandFlag } from './transmission-numbers.ts';

/** Extents in one reply: 32 KiB. Who wants more asks again from where they end. */
const maxExtents = 4096;

/** Read at a time for a CACHE. */
export const cachedBytes = 2 ** 20;

/**
 * Does what a request asks for that was checked, and returns the last piece of its reply. Throws what the device
 * throws, or ReadFailed. `payload` is what a write writes.
 */
export async function answerRequest(served: Served, request: Request, payload: Buffer | undefined): Promise<Reply> {
  switch (request.type) {
    case command.read:
      return await answerRead(served, request);
    case command.cache:
      await prefetch(served, request);
      break;
    case command.blockStatus:
      return await answerBlockStatus(served, request);
    default:
      await change(served, request, payload);
  }
  return { bytes: simpleReply(request) };
}

async function change(
  { writable, changeSignal }: Served,
  request: Request,
  payload: Buffer | undefined,
): Promise<void> {
  if (writable === undefined) throw new Error('a change of what can only be read'); // was refused before
  if (request.type === command.flush) return await writable.flush({ signal: changeSignal });
  const durable = (request.flags & commandFlag.fua) !== 0;
  if (payload !== undefined) return await writable.writeAt(payload, request.offset, { signal: changeSignal, durable });
  await zero(writable, request, { signal: changeSignal, durable });
}

/**
 * TRIM and WRITE_ZEROES alike: what is trimmed reads as zeros, which is more than is asked for.
 *
 * NO_HOLE changes nothing. It asks that the range keep its space, so that later writes to it can't fail for want of
 * some; but a device that writes every change to a new place could not promise that if it did write the zeros.
 */
async function zero(
  device: WritableBlockDevice,
  { offset, length }: Request,
  options: { readonly signal: AbortSignal; readonly durable: boolean },
): Promise<void> {
  await device.zeroAt(offset, length, options);
}

/** Reads data for whatever cache the device has. */
async function prefetch({ device, readSignal }: Served, { offset, length }: Request): Promise<void> {
  const scratch = Buffer.allocUnsafeSlow(Math.min(length, cachedBytes));
  for (const piece of await planRead(device, offset, length, readSignal)) {
    if (!piece.isData) continue;
    for (let at = 0; at < piece.length; at += scratch.length) {
      const part = scratch.subarray(0, Math.min(scratch.length, piece.length - at));
      await device.readAt(part, piece.offset + at, { signal: readSignal });
    }
  }
}

async function answerBlockStatus({ device, readSignal }: Served, request: Request): Promise<Reply> {
  const wanted = (request.flags & commandFlag.reqOne) !== 0 ? 1 : maxExtents;
  const extents: { length: number; flags: number }[] = [];
  for await (const { length, kind } of device.extents(request.offset, request.length, { signal: readSignal })) {
    extents.push({ length, flags: stateOf[kind] });
    if (extents.length === wanted) break;
  }
  if (extents.length === 0) throw new Error('the device named no extents');
  return { bytes: statusChunk(request, extents) };
}

const stateOf: Readonly<Record<ExtentKind, number>> = {
  data: 0,
  zero: blockState.zero,
  hole: blockState.hole | blockState.zero,
};
