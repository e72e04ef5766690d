import { open } from 'node:fs/promises';
import type { ByteSource, ReadOptions } from '../src/formats/byte-source.ts';

/** A local file as a source, for tests that compare with what another program wrote. */
export async function openFileSource(path: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    async read(offset: number, length: number, options?: ReadOptions) {
      options?.signal?.throwIfAborted();
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new RangeError(`${path} has no bytes ${offset} to ${offset + length}.`);
        done += bytesRead;
      }
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      await file.close();
    },
  };
}
