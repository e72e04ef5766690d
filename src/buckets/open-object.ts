import { type FileHandle, open } from 'node:fs/promises';
import { dataLoss } from '../errors.ts';
import { uploadPath } from '../uploads/upload-file.ts';
import { keepUploadUntil } from '../uploads/upload-rows.ts';
import { objectNotFound } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { type GetObject, getObject } from './get-object.ts';
import type { StoredObject } from './stored-object.ts';

/** An object's bytes; they stay readable while this is open, whatever becomes of the object. */
export interface OpenedObject extends AsyncDisposable {
  readonly object: StoredObject;
  readonly file: FileHandle;
}

/** How much sooner than otherwise an object may expire for having been read: so a read is not always a write. */
const maxHasteMs = 3_600_000;

/** Opens an object to be read, and puts off its end. Throws as getObject; DATA_LOSS when its bytes are gone. */
export async function openObject(buckets: Buckets, request: GetObject): Promise<OpenedObject> {
  const { db, uploads } = buckets;
  const object = await getObject(buckets, request);
  const { id, expiresAt, lengthBytes } = object.upload;
  const file = await open(uploadPath(uploads, id)).catch(() => undefined);
  if (file === undefined) {
    const isStill = await getObject(buckets, { ...request, generation: object.generation }).catch(() => undefined);
    throw isStill === undefined ? objectNotFound(request) : dataLoss(`The bytes of ${object.name} were lost`);
  }
  await using opening = new AsyncDisposableStack();
  opening.use(file);
  const { size } = await file.stat();
  if (size < lengthBytes) throw dataLoss(`Bytes of ${object.name} were lost`);
  const keepUntil = uploads.now() + uploads.limits.keepMs;
  if (keepUntil - expiresAt.getTime() > maxHasteMs) {
    await db.transact((tx) => keepUploadUntil(tx, id, new Date(keepUntil)));
  }
  const opened = opening.move();
  return { object, file, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
