export interface BlobOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface BlobReadOptions extends BlobOptions {
  /** Memory for the answer, of just its length, that the caller has to spare; a store may use it or its own. */
  readonly into?: Uint8Array<SharedArrayBuffer> | undefined;
  /** From where the blob is kept, and from no copy of it: to see what is there, or because the copy may be wrong. */
  readonly fresh?: boolean | undefined;
}

export interface BlobInfo {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Named immutable bytes. A blob is there whole and durable, or not at all; it never changes.
 *
 * A name is 1 to 64 of `a-z 0-9`; another one is a programming error and throws RangeError. Failures are BlobFailed.
 * Every method may be called many times at once.
 */
export interface BlobStore extends AsyncDisposable {
  /** Begins a blob. Nothing is visible under its name until it is sealed. */
  create(name: string): Promise<BlobWriter>;

  /** Exactly `length` bytes from `offset`, in memory that threads can share; the range must lie within the blob. */
  read(name: string, offset: number, length: number, options?: BlobReadOptions): Promise<Uint8Array<SharedArrayBuffer>>;

  /** What is known of a blob, or undefined when there is none. */
  stat(name: string): Promise<BlobInfo | undefined>;

  /** Every sealed blob, in no order; what is made or deleted meanwhile may or may not be listed. */
  list(): AsyncIterable<BlobInfo>;

  /** The names of blobs that were begun and not sealed: by a writer that is at it, or by one that was lost. */
  listUnsealed(): AsyncIterable<string>;

  /** After it the blob, and what a writer that was lost left under this name, is gone. May be repeated. */
  delete(name: string): Promise<void>;
}

/** A blob that is being written, by one writer in order. Disposing it before `seal` leaves nothing. */
export interface BlobWriter extends AsyncDisposable {
  readonly sizeBytes: number;

  /** Adds the pieces at the end. They may be used again once it returns. One call at a time. */
  append(pieces: readonly Uint8Array[]): Promise<void>;

  /** Makes the blob durable and visible: when it returns, a power cut does not lose it. Call once. */
  seal(): Promise<void>;
}

const namePattern = /^[a-z0-9]{1,64}$/;

export function isBlobName(name: string): boolean {
  return namePattern.test(name);
}

/** Names become file names and object keys: anything but the plainest is refused here. */
export function checkBlobName(name: string): void {
  if (!isBlobName(name)) throw new RangeError(`not a blob name: ${JSON.stringify(name)}`);
}
