import type { ByteSource, ReadOptions } from './byte-source.ts';

/** How much of the beginning is looked at: enough for every magic there is (ISO 9660's is the last, at 0x8001). */
const headBytes = 64 * 1024;

/** How much of the end is looked at: VHD and DMG keep their mark in the last sector. */
const tailBytes = 512;

/** What of a file decides its format: never its name, only these bytes and its length. */
export interface Probe {
  readonly sizeBytes: number;
  /** The first 64 KiB, or the whole file where it is shorter. */
  readonly head: Uint8Array;
  /** The last 512 bytes, or the whole file where it is shorter. */
  readonly tail: Uint8Array;
}

/** Reads the two ends of a file. */
export async function readProbe(source: ByteSource, options?: ReadOptions): Promise<Probe> {
  const { sizeBytes } = source;
  const head = await source.read(0, Math.min(headBytes, sizeBytes), options);
  const tailLength = Math.min(tailBytes, sizeBytes);
  const tail =
    sizeBytes <= headBytes
      ? head.subarray(sizeBytes - tailLength)
      : await source.read(sizeBytes - tailLength, tailLength, options);
  return { sizeBytes, head, tail };
}

/** Whether `bytes` has exactly `mark` at `offset`. A string stands for its Latin-1 bytes. */
export function hasMark(bytes: Uint8Array, offset: number, mark: string): boolean {
  if (offset + mark.length > bytes.length) return false;
  for (let i = 0; i < mark.length; i++) {
    if (bytes[offset + i] !== mark.charCodeAt(i)) return false;
  }
  return true;
}
