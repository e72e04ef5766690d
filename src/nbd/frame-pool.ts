import { dataHeaderBytes } from './replies.ts';

/** Memory for a piece of a reply: room for the header in front of the data, so that both are sent as they lie. */
export interface Frame {
  /** All of it, which may be more than the piece needs. */
  readonly memory: Buffer;
  /** Where the data goes. */
  readonly data: Buffer;
}

const smallestBytes = 4 * 1024;
const largestBytes = 4 * 2 ** 20;
const keptBytes = 4 * 2 ** 20;

/**
 * Frames that were sent, kept for the next replies of the same connection: new memory costs a large read more than
 * reading does. They never go to another connection, so that nobody's bytes can ever come to anyone else.
 */
export class FramePool {
  readonly #kept = new Map<number, Buffer[]>();
  #keptBytes = 0;

  take(dataBytes: number): Frame {
    const size = sizeClass(dataBytes);
    let memory = this.#kept.get(size)?.pop();
    if (memory === undefined) memory = Buffer.allocUnsafeSlow(dataHeaderBytes + size);
    else this.#keptBytes -= size;
    return { memory, data: memory.subarray(dataHeaderBytes, dataHeaderBytes + dataBytes) };
  }

  /** For a frame that nobody reads or writes any more. */
  giveBack({ memory }: Frame): void {
    const size = memory.length - dataHeaderBytes;
    if (size > largestBytes || this.#keptBytes + size > keptBytes) return;
    const kept = this.#kept.get(size);
    if (kept === undefined) this.#kept.set(size, [memory]);
    else kept.push(memory);
    this.#keptBytes += size;
  }

  /** Keeps nothing any more, for now. */
  clear(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }
}

/** The power of two that holds the data, or its size where it is too large to be kept. */
function sizeClass(dataBytes: number): number {
  if (dataBytes <= smallestBytes) return smallestBytes;
  return dataBytes > largestBytes ? dataBytes : 2 ** Math.ceil(Math.log2(dataBytes));
}
