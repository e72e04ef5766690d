import type { ByteSource } from '../formats/byte-source.ts';
import type { Upload } from './upload.ts';

/**
 * Where the bytes of uploads are: files of this machine (files/upload-files.ts), or pieces in a bucket that every process
 * reaches (pieces/upload-pieces.ts). Rows decide what counts: bytes without a row are garbage, and what is past an
 * upload's `durableBytes` was never there.
 */
export interface UploadBytes {
  /** Makes the place of an upload whose row is committed; without it the row has to go again. */
  begin(uploadId: string): Promise<void>;

  /**
   * Opens an upload for the bytes that come after its durable ones. One writer in a process at a time; of writers in
   * several processes one gets its bytes in, and the others are told TakenOver.
   *
   * Throws BytesLost when durable bytes are found missing.
   */
  append(upload: Upload, options: AppendOptions): Promise<UploadAppender>;

  /**
   * The durable bytes, for reading; dispose it. They are what was sent, or reading them throws BytesLost, here or there.
   * What becomes of the upload meanwhile: docs/storage-api.md.
   */
  open(upload: Pick<Upload, 'id' | 'durableBytes'>): Promise<ByteSource>;

  /** Removes the bytes of an upload whose row is gone, now or with the next sweep. May be repeated. */
  remove(uploadId: string): Promise<void>;

  /** Removes what has no row. */
  sweep(signal?: AbortSignal): Promise<void>;

  /** What the file system under them has left for us, in bytes; Infinity where there is none. */
  freeBytes(): Promise<number>;
}

export interface AppendOptions {
  /** Nothing of what is given counts before `save`, and nothing is kept of it without. */
  readonly isWithheld: boolean;
}

/** An upload, open for more bytes. Disposing it drops what was not saved. */
export interface UploadAppender extends AsyncDisposable {
  /** As its row has it. */
  readonly upload: Upload;

  /** The upload's length with all that was given. */
  readonly lengthBytes: number;

  /** Takes bytes, of which it has a copy. Returns a promise when that must be waited for before anything else. */
  append(bytes: Uint8Array): Promise<void> | undefined;

  /** Makes all that was given durable, and says so in the row. Throws NOT_FOUND when the upload is gone, and TakenOver. */
  save(): Promise<void>;

  /** Sets room aside for a file of this length and some more, where its length was not known. Throws as `save`. */
  lengthen(lengthBytes: number): Promise<void>;
}
