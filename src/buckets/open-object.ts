import { dataLoss } from '../errors.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { keepUploadUntil } from '../uploads/upload-rows.ts';
import { objectNotFound } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { type GetObject, getObject } from './get-object.ts';
import type { StoredObject } from './stored-object.ts';

/** An object, open for reading. Where bytes are in a bucket, reading fails once the object is deleted. */
export interface OpenedObject extends AsyncDisposable {
  readonly object: StoredObject;
  readonly bytes: ByteSource;
}

/** How much sooner than otherwise an object may expire for having been read: so a read is not always a write. */
const maxHasteMs = 3_600_000;

/** Opens an object to be read, and puts off its end. Throws as getObject; DATA_LOSS when its bytes are gone. */
export async function openObject(buckets: Buckets, request: GetObject): Promise<OpenedObject> {
  const { db, uploads } = buckets;
  const object = await getObject(buckets, request);
  const { id, expiresAt } = object.upload;
  await using opening = new AsyncDisposableStack();
  const bytes = await uploads.bytes.open(object.upload).catch(async (error: unknown) => {
    const isStill = await getObject(buckets, { ...request, generation: object.generation }).catch(() => undefined);
    throw isStill === undefined ? objectNotFound(request) : dataLoss(`Bytes of ${object.name} were lost`, error);
  });
  opening.use(bytes);
  const keepUntil = uploads.now() + uploads.limits.keepMs;
  if (keepUntil - expiresAt.getTime() > maxHasteMs) {
    await db.transact((tx) => keepUploadUntil(tx, id, new Date(keepUntil)));
  }
  const opened = opening.move();
  return { object, bytes, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
