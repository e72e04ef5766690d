import type { Transaction } from '../db/database.ts';
import { dataLoss, ServiceError } from '../errors.ts';
import { BytesLost } from '../sources/bytes-lost.ts';
import { endUploadHere } from '../uploads/upload-rows.ts';
import { sessionMovedOn, sessionNotFound } from './bucket-errors.ts';
import type { Buckets } from './buckets.ts';
import { dropObject } from './drop-object.ts';
import { assertTerms } from './get-object.ts';
import { letGo, removeBytes } from './let-go.ts';
import type { Digests } from './object-digests.ts';
import { findObjectByName, findObjectOfUpload, makeObjectWhole } from './object-rows.ts';
import type { StoredObject, Terms } from './stored-object.ts';

/**
 * What has arrived is all there is: gives the object its name, and takes that from whatever had it. Returns when this is
 * durable; may be repeated. `terms` are added to those that it was begun with. Throws INVALID_ARGUMENT when its bytes are
 * not what they were said to be, FAILED_PRECONDITION by the terms, and then nothing of it is kept; NOT_FOUND when it is gone;
 * ABORTED when another process took more bytes for it, or finished it, meanwhile.
 */
export async function finishObject(
  buckets: Buckets,
  { uploadId, terms = {} }: { readonly uploadId: string; readonly terms?: Terms },
): Promise<StoredObject> {
  const { db, uploads, digests } = buckets;
  const found = await find(buckets, uploadId);
  if (found.generation > 0) return found;
  try {
    using _turn = await uploads.turns.take(uploadId);
    const object = await find(buckets, uploadId);
    if (object.generation > 0) return object;
    const sums = await digests.finish(object.upload, uploads.bytes);
    const all = { ...object.terms, ...terms };
    checkDigests(all, sums);
    const replaced = await db.transact((tx) => takeName(tx, buckets, object, { terms: all, sums }));
    if (replaced === undefined) return await findFinished(buckets, uploadId);
    await removeBytes(buckets, replaced);
  } catch (error) {
    if (error instanceof BytesLost) throw dataLoss('Bytes of the upload were lost. Begin anew.', error);
    if (error instanceof ServiceError && ['INVALID_ARGUMENT', 'FAILED_PRECONDITION'].includes(error.code)) {
      await dropObject(buckets, { uploadId });
    }
    throw error;
  }
  return await find(buckets, uploadId);
}

async function find({ db }: Buckets, uploadId: string): Promise<StoredObject> {
  const object = await findObjectOfUpload(db.read, uploadId);
  if (object === undefined) throw sessionNotFound();
  return object;
}

/** What another process has finished meanwhile. Throws ABORTED when it only took more bytes for it. */
async function findFinished(buckets: Buckets, uploadId: string): Promise<StoredObject> {
  const object = await find(buckets, uploadId);
  if (object.generation === 0) throw sessionMovedOn();
  return object;
}

/** Returns the uploads whose bytes can go; undefined, and nothing is changed, when it is not as it was hashed any more. */
async function takeName(
  tx: Transaction,
  { uploads }: Buckets,
  { upload, bucket, name }: StoredObject,
  { terms, sums }: { readonly terms: Terms; readonly sums: Digests },
): Promise<readonly string[] | undefined> {
  const now = uploads.now();
  const end = { id: upload.id, durableBytes: upload.durableBytes, expiresAt: new Date(now + uploads.limits.keepMs) };
  if (!(await endUploadHere(tx, end))) return undefined;
  const before = await findObjectByName(tx, { bucket, name });
  await assertTerms(tx, terms, { named: before, now });
  const gone = before === undefined ? [] : await letGo(tx, before.upload.id);
  // Microseconds, as clients expect it; two within one millisecond follow each other all the same.
  const generation = Math.max(now * 1000, (before?.generation ?? 0) + 1);
  await makeObjectWhole(tx, upload.id, { generation, wholeAt: new Date(now), ...sums });
  return gone;
}

function checkDigests(terms: Terms, sums: Digests): void {
  for (const [name, told, is] of [
    ['MD5 hash', terms.md5, sums.md5],
    ['CRC32C', terms.crc32c, sums.crc32c],
  ] as const) {
    if (told === undefined || told === is) continue;
    const message = `Provided ${name} "${told}" doesn't match calculated ${name} "${is}".`;
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'CHECKSUM_MISMATCH', message });
  }
}
