import { BlobFailed } from './blob-failed.ts';
import { type BlobInfo, type BlobStore, type BlobWriter, checkBlobName } from './blob-store.ts';

/** Blobs in memory, for tests and for trying things: gone with the process. */
export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array<SharedArrayBuffer>>();
  const partial = new Set<string>();

  function get(name: string): Uint8Array<SharedArrayBuffer> {
    checkBlobName(name);
    const bytes = blobs.get(name);
    if (bytes === undefined) throw new BlobFailed('missing', name, 'there is no such blob');
    return bytes;
  }

  function createWriter(name: string): BlobWriter {
    const written: Uint8Array[] = [];
    let sizeBytes = 0;
    return {
      get sizeBytes() {
        return sizeBytes;
      },
      async append(pieces) {
        for (const piece of pieces) {
          written.push(piece.slice());
          sizeBytes += piece.byteLength;
        }
      },
      async seal() {
        const bytes = new Uint8Array(new SharedArrayBuffer(sizeBytes));
        let place = 0;
        for (const piece of written) {
          bytes.set(piece, place);
          place += piece.byteLength;
        }
        blobs.set(name, bytes);
        partial.delete(name);
      },
      async [Symbol.asyncDispose]() {
        partial.delete(name);
      },
    };
  }

  return {
    async create(name) {
      checkBlobName(name);
      if (partial.has(name)) throw new BlobFailed('broken', name, 'it is being written already');
      partial.add(name);
      return createWriter(name);
    },
    async read(name, offset, length) {
      const bytes = get(name);
      if (offset + length > bytes.byteLength) {
        throw new BlobFailed('short', name, `${length} bytes at ${offset} wanted, it has ${bytes.byteLength}`);
      }
      const copy = new Uint8Array(new SharedArrayBuffer(length));
      copy.set(bytes.subarray(offset, offset + length));
      return copy;
    },
    async stat(name) {
      checkBlobName(name);
      const bytes = blobs.get(name);
      return bytes === undefined ? undefined : { name, sizeBytes: bytes.byteLength };
    },
    async *list(): AsyncIterable<BlobInfo> {
      for (const [name, bytes] of blobs) yield { name, sizeBytes: bytes.byteLength };
    },
    async *listUnsealed(): AsyncIterable<string> {
      yield* partial;
    },
    async delete(name) {
      checkBlobName(name);
      partial.delete(name);
      blobs.delete(name);
    },
    async [Symbol.asyncDispose]() {},
  };
}
