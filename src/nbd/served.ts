import type { BlockDevice, WritableBlockDevice } from '../formats/block-device.ts';
import type { Frame, FramePool } from './frame-pool.ts';

/** A piece of a reply as it goes out; with the frame whose bytes it is, if any. */
export interface Reply {
  readonly bytes: Buffer;
  readonly frame?: Frame;
}

/** What the answer to a request is made with. */
export interface Served {
  readonly device: BlockDevice;
  /** The same, where it may be written. */
  readonly writable: WritableBlockDevice | undefined;
  readonly structuredReplies: boolean;
  readonly frames: FramePool;
  /** Sends a piece that is not the last one. */
  send(reply: Reply): void;
  /** Aborted when nobody is there to be answered. */
  readonly readSignal: AbortSignal;
  /** Aborted only when the server ends in a hurry: what a client asked to change is changed even if it hangs up. */
  readonly changeSignal: AbortSignal;
}
