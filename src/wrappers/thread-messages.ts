import type { Bzip2Facts } from './bzip2/read-bzip2.ts';

/** What a thread unpacks, as its `workerData`. */
export type ThreadFormat = 'bzip2' | 'xz';

/** From the thread. Every message is answered by one of the other side before the next is sent, save the last. */
export type FromThread =
  | { readonly kind: 'want-input' }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'done'; readonly facts: Bzip2Facts | undefined }
  | { readonly kind: 'failed'; readonly failure: ThreadFailure };

/** To the thread: the next input (undefined at the end), or undefined when the output was taken. */
export type ToThread = { readonly bytes: Uint8Array | undefined } | undefined;

/** Why a file could not be unpacked; `reason` is the end of a sentence. */
export interface ThreadFailure {
  readonly check: 'truncated' | 'damaged' | 'streams' | 'window' | 'options';
  readonly reason: string;
}
