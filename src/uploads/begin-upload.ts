import type { Transaction } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import { explainFailure } from '../operations/failure.ts';
import { assertRoom, assertTakenLength } from './assert-room.ts';
import { type Upload, uploadIdPrefix } from './upload.ts';
import { deleteUploadRow, insertUpload } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * Makes an upload's row and a place for its bytes, with room for all that it declares. `check` throws what speaks against it;
 * `follow` writes what belongs to the row. Throws INVALID_ARGUMENT and RESOURCE_EXHAUSTED.
 */
export async function beginUpload(
  uploads: Uploads,
  about: Pick<Upload, 'folderId' | 'createdBy' | 'lengthBytes' | 'metadata' | 'grows'>,
  check: (tx: Transaction) => Promise<void>,
  follow: (tx: Transaction, upload: Upload) => Promise<void> = async () => {},
): Promise<Upload> {
  const { db, limits, now } = uploads;
  assertTakenLength(uploads, about.lengthBytes);
  const upload: Upload = {
    ...about,
    id: newId(uploadIdPrefix),
    createdAt: new Date(now()),
    durableBytes: 0,
    expiresAt: new Date(now() + limits.keepMs),
    operationId: undefined,
  };
  const freeBytes = await uploads.bytes.freeBytes();
  await db.transact(async (tx) => {
    await check(tx);
    await assertRoom(tx, uploads, { freeBytes, moreBytes: upload.lengthBytes });
    await insertUpload(tx, upload);
    await follow(tx, upload);
  });
  try {
    await uploads.bytes.begin(upload.id);
  } catch (error) {
    await db.transact((tx) => deleteUploadRow(tx, upload.id));
    throw explainFailure(error);
  }
  return upload;
}
