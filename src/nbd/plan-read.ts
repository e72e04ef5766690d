import type { BlockDevice } from '../formats/block-device.ts';

/** A run of a read: bytes to be read, or zeros that need not be. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly isData: boolean;
}

/** Zeros of fewer bytes are read and sent: a chunk of its own costs more. It bounds the chunks of a reply, too. */
const smallestHoleBytes = 16 * 1024;

/** A longer run is read and sent in parts, so that the first is on its way while the next is read. */
const largestDataBytes = 4 * 2 ** 20;

/** Cuts a read into pieces by the extents of the device, in order and without gaps. */
export async function planRead(
  device: BlockDevice,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Piece[]> {
  const runs: { offset: number; length: number; isData: boolean }[] = [];
  let at = offset;
  for await (const extent of device.extents(offset, length, { signal })) {
    if (extent.offset !== at) throw new Error(`the device's extents leave out ${at}`);
    const isData = extent.kind === 'data' || extent.length < smallestHoleBytes;
    const last = runs.at(-1);
    if (last?.isData === isData) last.length += extent.length;
    else runs.push({ offset: at, length: extent.length, isData });
    at += extent.length;
  }
  if (at !== offset + length) throw new Error(`the device's extents end at ${at}`);
  return runs.flatMap((run) => (run.isData ? cut(run) : run));
}

function cut({ offset, length, isData }: Piece): Piece[] {
  return Array.from({ length: Math.ceil(length / largestDataBytes) }, (_, index) => {
    const start = index * largestDataBytes;
    return { offset: offset + start, length: Math.min(largestDataBytes, length - start), isData };
  });
}
