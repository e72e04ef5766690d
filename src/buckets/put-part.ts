import type { Readable } from 'node:stream';
import type { Transaction } from '../db/database.ts';
import { resourceExhausted, ServiceError } from '../errors.ts';
import { appendToUpload } from '../uploads/append-to-upload.ts';
import { beginUpload } from '../uploads/begin-upload.ts';
import { ownerOfBucket, type Upload } from '../uploads/upload.ts';
import { deleteUploadRow } from '../uploads/upload-rows.ts';
import { sessionNotFound } from './bucket-errors.ts';
import { lockBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { removeBytes } from './let-go.ts';
import { maxPartNumber, type ObjectPart } from './object-part.ts';
import {
  arePartsChosen,
  countParts,
  insertComingPart,
  keepPartsUntil,
  listOtherPartIds,
  listPartRows,
  markPartThere,
} from './object-part-rows.ts';
import { findObjectOfUpload } from './object-rows.ts';
import type { StoredObject } from './stored-object.ts';

export interface PutPart {
  readonly number: number;
  readonly lengthBytes: number;
  readonly body: Readable;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** What its bytes are to be, in base64; undefined when it is not said. */
  readonly md5: string | undefined;
  /** Throws when the body, now that it is whole, is not what it was said to be. */
  readonly check: () => void;
}

/** Parts of all objects of a bucket that are on their way: each is a file. */
const maxPartsOfBucket = 2 * maxPartNumber;
/** How much sooner than otherwise the parts of an object may expire, so that not every part puts off the end of all. */
const maxHasteMs = 3_600_000;

/**
 * Takes a part of an open object, in place of any other one of its number, and returns its MD5 in base64 when it is durable.
 * Of a part that fails nothing is kept. Throws NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION when the parts are chosen
 * already, RESOURCE_EXHAUSTED, and as appendToUpload.
 */
export async function putPart(buckets: Buckets, session: StoredObject, part: PutPart): Promise<string> {
  const { uploads, digests } = buckets;
  const { id: uploadId } = await beginPart(buckets, session, part);
  try {
    const { body, signal, lengthBytes } = part;
    const onPiece = digests.follow(uploadId, 0) ?? (() => {});
    const request = { uploadId, offsetBytes: 0, bodyLength: lengthBytes, checksum: undefined, onPiece, body, signal };
    const upload = await appendToUpload(uploads, request, ownerOfBucket(session.bucket));
    if (upload.durableBytes !== lengthBytes) throw shortPart(upload);
    part.check();
    const { md5 } = await digests.finish(upload, uploads.bytes);
    if (part.md5 !== undefined && part.md5 !== md5) throw otherBytes(part.md5, md5);
    await finishPart(buckets, session, { uploadId, number: part.number, md5 });
    return md5;
  } catch (error) {
    // What cannot be removed now expires.
    await dropUploads(buckets, [uploadId]).catch(() => {});
    throw error;
  }
}

function shortPart({ durableBytes, lengthBytes }: Upload): ServiceError {
  const message = `The part was said to have ${lengthBytes} bytes, and has ${durableBytes}.`;
  return new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
}

function otherBytes(told: string, is: string): ServiceError {
  const message = `Provided MD5 hash "${told}" doesn't match calculated MD5 hash "${is}".`;
  return new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'CHECKSUM_MISMATCH', message });
}

async function beginPart(
  { uploads }: Buckets,
  { upload: { id: sessionId, folderId }, bucket }: StoredObject,
  { number, lengthBytes }: PutPart,
): Promise<Upload> {
  if (!Number.isInteger(number) || number < 1 || number > maxPartNumber) {
    const message = `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`;
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
  }
  return await beginUpload(
    uploads,
    { folderId, createdBy: ownerOfBucket(bucket), lengthBytes, metadata: '', grows: false },
    async (tx) => {
      await lockBucket(tx, bucket);
      await assertTakesParts(tx, sessionId);
      if ((await countParts(tx, bucket)) >= maxPartsOfBucket) {
        const message = `${maxPartsOfBucket} parts of objects are on their way to the bucket already.`;
        throw resourceExhausted('TOO_MANY_OBJECTS', message);
      }
    },
    (tx, { id }) => insertComingPart(tx, { uploadId: id, sessionId, number }),
  );
}

/** The part is there; whatever had its number is not any more. */
async function finishPart(
  buckets: Buckets,
  { upload: session, bucket }: StoredObject,
  { uploadId, number, md5 }: { readonly uploadId: string; readonly number: number; readonly md5: string },
): Promise<void> {
  const { db, uploads } = buckets;
  const replaced = await db.transact(async (tx) => {
    await lockBucket(tx, bucket);
    await assertTakesParts(tx, session.id);
    if (!(await markPartThere(tx, { uploadId, md5 }))) throw sessionNotFound();
    const others = await listOtherPartIds(tx, { uploadId, sessionId: session.id, number });
    for (const id of others) await deleteUploadRow(tx, id);
    const keepUntil = uploads.now() + uploads.limits.keepMs;
    if (keepUntil - session.expiresAt.getTime() > maxHasteMs) {
      await keepPartsUntil(tx, session.id, new Date(keepUntil));
    }
    return others;
  });
  await removeBytes(buckets, replaced);
}

async function assertTakesParts(tx: Transaction, sessionId: string): Promise<void> {
  const object = await findObjectOfUpload(tx, sessionId);
  if (object === undefined || object.generation > 0) throw sessionNotFound();
  if (!(await arePartsChosen(tx, sessionId))) return;
  const message = 'The parts of the object were chosen already: no other ones are taken.';
  throw new ServiceError({ code: 'FAILED_PRECONDITION', reason: 'PARTS_CHOSEN', message });
}

/** Removes the parts of an object, rows and files. */
export async function dropParts(buckets: Buckets, sessionId: string): Promise<void> {
  const parts: readonly ObjectPart[] = await listPartRows(buckets.db.read, sessionId);
  const ids = parts.map(({ upload }) => upload.id);
  await dropUploads(buckets, ids);
}

async function dropUploads(buckets: Buckets, ids: readonly string[]): Promise<void> {
  await buckets.db.transact(async (tx) => {
    for (const id of ids) await deleteUploadRow(tx, id);
  });
  await removeBytes(buckets, ids);
}
