import { unavailable } from '../errors.ts';
import { MissingChunks } from '../volumes/manifest-rows.ts';
import { PackBroken } from '../volumes/pack-format.ts';
import { ChunkCorrupt, QuarantinedMeanwhile } from '../volumes/quarantine.ts';

/** Bytes that were stored are not what they were; what is found damaged is unknown, so the next attempt stores it anew. */
const storageLied = [QuarantinedMeanwhile, PackBroken, ChunkCorrupt, MissingChunks];

/** A failure to store content as the operation's error: one of the storage is UNAVAILABLE, and tried again. */
export function explainStorageFailure(error: unknown): unknown {
  if (!storageLied.some((kind) => error instanceof kind)) return error;
  return unavailable('The storage gave wrong bytes back. They are stored again.', error);
}
