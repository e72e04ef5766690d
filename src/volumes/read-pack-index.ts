import type { BlobStore } from '../blobs/blob-store.ts';
import {
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  PackBroken,
  type PackEntry,
  packEntryBytes,
  packHeaderBytes,
  packTrailerBytes,
} from './pack-format.ts';

/** What a pack says of itself. */
export interface PackContents {
  readonly domainId: string;
  readonly entries: readonly PackEntry[];
}

/**
 * Reads a pack's header, trailer and index, each checked. What the entries hold is not looked at.
 *
 * @throws PackBroken, BlobFailed
 */
export async function readPackIndex(blobs: BlobStore, packId: string, sizeBytes: number): Promise<PackContents> {
  if (sizeBytes < packHeaderBytes + packTrailerBytes) throw new PackBroken(`${sizeBytes} bytes are too few`);
  const read = (offset: number, length: number) => blobs.read(packId, offset, length, { fresh: true });
  const domainId = decodePackHeader(await read(0, packHeaderBytes));
  const trailer = decodePackTrailer(await read(sizeBytes - packTrailerBytes, packTrailerBytes), sizeBytes);
  const index = await read(trailer.indexOffset, trailer.entryCount * packEntryBytes);
  return { domainId, entries: decodePackIndex(index, trailer) };
}
