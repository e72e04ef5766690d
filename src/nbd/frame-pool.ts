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
const keptByOneBytes = 4 * 2 ** 20;
const keptByAllBytes = 64 * 2 ** 20;

/** What all pools of a server keep. */
export interface KeptFrames {
  bytes: number;
}

/**
 * Frames that were sent, kept for the next replies of the same connection: new memory costs a large read more than
 * reading does. They never go to another connection, so that nobody's bytes can ever come to anyone else.
 */
export class FramePool {
  readonly #kept = new Map<number, Buffer[]>();
  readonly #keptByAll: KeptFrames;
  #keptBytes = 0;

  constructor(keptByAll: KeptFrames) {
    this.#keptByAll = keptByAll;
  }

  take(dataBytes: number): Frame {
    const size = sizeClass(dataBytes);
    let memory = this.#kept.get(size)?.pop();
    if (memory === undefined) memory = Buffer.allocUnsafeSlow(dataHeaderBytes + size);
    else this.#count(-size);
    return { memory, data: memory.subarray(dataHeaderBytes, dataHeaderBytes + dataBytes) };
  }

  /** For a frame that nobody reads or writes any more. */
  giveBack({ memory }: Frame): void {
    const size = memory.length - dataHeaderBytes;
    if (size > largestBytes || this.#keptBytes + size > keptByOneBytes) return;
    if (this.#keptByAll.bytes + size > keptByAllBytes) return;
    const kept = this.#kept.get(size);
    if (kept === undefined) this.#kept.set(size, [memory]);
    else kept.push(memory);
    this.#count(size);
  }

  /** Keeps nothing any more, for now. */
  clear(): void {
    this.#kept.clear();
    this.#count(-this.#keptBytes);
  }

  #count(bytes: number): void {
    this.#keptBytes += bytes;
    this.#keptByAll.bytes += bytes;
  }
}

/** The power of two that holds the data, or its size where it is too large to be kept. */
function sizeClass(dataBytes: number): number {
  if (dataBytes <= smallestBytes) return smallestBytes;
  return dataBytes > largestBytes ? dataBytes : 2 ** Math.ceil(Math.log2(dataBytes));
}
