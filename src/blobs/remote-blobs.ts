import type { BlobOptions, BlobStore } from './blob-store.ts';

/** Blobs that every read costs a request for. */
export interface RemoteBlobs extends BlobStore {
  /**
   * Fills the target with the bytes from `offset`, up to the blob's end. Returns how many there are, at least one; to begin
   * at the end or behind it fails as short. Nothing is written into the target after it has settled.
   */
  readUpTo(name: string, offset: number, target: Uint8Array, options?: BlobOptions): Promise<number>;
}
