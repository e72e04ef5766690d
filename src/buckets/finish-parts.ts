import type { Transaction } from '../db/database.ts';
import { dataLoss, ServiceError } from '../errors.ts';
import type { Upload } from '../uploads/upload.ts';
import { deleteUploadRow } from '../uploads/upload-rows.ts';
import { appendToObject } from './append-to-object.ts';
import { sessionNotFound } from './bucket-errors.ts';
import { lockBucket } from './bucket-rows.ts';
import type { Buckets } from './buckets.ts';
import { finishObject } from './finish-object.ts';
import { removeBytes } from './let-go.ts';
import type { ObjectPart } from './object-part.ts';
import { listPartRows, markPartsChosen } from './object-part-rows.ts';
import { findObjectOfUpload } from './object-rows.ts';
import { dropParts } from './put-part.ts';
import { readFrom } from './read-from.ts';
import type { StoredObject, Terms } from './stored-object.ts';

/** A part as the client names it. */
export interface ChosenPart {
  readonly number: number;
  /** In base64. */
  readonly md5: string;
}

export interface FinishParts {
  readonly parts: readonly ChosenPart[];
  /** Added to those that the object was begun with. */
  readonly terms?: Terms;
  /** Of all parts together; undefined when it is not said. */
  readonly lengthBytes?: number | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

/**
 * Makes an object of its parts, in the order given, which copies their bytes. May be repeated, and goes on where it was
 * interrupted, when `signal` is aborted for one. Throws NOT_FOUND; INVALID_ARGUMENT when the parts are not those that are there,
 * or not those that were chosen before; and as finishObject.
 */
export async function finishParts(
  buckets: Buckets,
  session: StoredObject,
  { parts, terms = {}, lengthBytes, signal }: FinishParts,
): Promise<StoredObject> {
  if (session.generation > 0) return session;
  const chosen = await choose(buckets, session, { parts, lengthBytes });
  await assemble(buckets, session, { chosen, signal });
  const object = await finishObject(buckets, { uploadId: session.upload.id, terms });
  // What cannot be removed now expires.
  await dropParts(buckets, session.upload.id).catch(() => {});
  return object;
}

async function choose(
  buckets: Buckets,
  { upload: { id: sessionId }, bucket }: StoredObject,
  wanted: Pick<FinishParts, 'parts' | 'lengthBytes'>,
): Promise<readonly ObjectPart[]> {
  assertOrder(wanted.parts);
  const { chosen, left } = await buckets.db.transact(async (tx) => {
    await lockBucket(tx, bucket);
    const object = await findObjectOfUpload(tx, sessionId);
    if (object === undefined) throw sessionNotFound();
    return await chooseIn(tx, sessionId, wanted);
  });
  await removeBytes(buckets, left);
  return chosen;
}

async function chooseIn(
  tx: Transaction,
  sessionId: string,
  { parts, lengthBytes }: Pick<FinishParts, 'parts' | 'lengthBytes'>,
) {
  const all = await listPartRows(tx, sessionId);
  const there = new Map(all.filter(({ md5 }) => md5 !== '').map((part) => [part.number, part]));
  const chosen = parts.map(({ number, md5 }) => {
    const part = there.get(number);
    if (part?.md5 !== md5) throw noSuchPart(number);
    return part;
  });
  assertLength(chosen, lengthBytes);
  const chosenOnes = new Set(chosen);
  const left = all.filter((part) => !chosenOnes.has(part));
  // Bytes of the others may be in the object already.
  if (left.some(({ isChosen }) => isChosen)) throw noSuchPart(left.find(({ isChosen }) => isChosen)?.number ?? 0);
  for (const { upload } of left) await deleteUploadRow(tx, upload.id);
  await markPartsChosen(tx, sessionId);
  return { chosen, left: left.map(({ upload }) => upload.id) };
}

/** Appends the parts to the object's upload, from wherever that stands. */
async function assemble(
  buckets: Buckets,
  session: StoredObject,
  { chosen, signal }: { readonly chosen: readonly ObjectPart[]; readonly signal: AbortSignal },
): Promise<void> {
  let { upload }: { upload: Upload } = session;
  let startBytes = 0;
  for (const { upload: part } of chosen) {
    signal.throwIfAborted();
    const skippedBytes = upload.durableBytes - startBytes;
    startBytes += part.durableBytes;
    if (skippedBytes >= part.durableBytes) continue;
    await using bytes = await buckets.uploads.bytes.open(part);
    const body = readFrom(bytes, skippedBytes);
    try {
      upload = await appendToObject(buckets, session, { offsetBytes: upload.durableBytes, body, signal });
      if (upload.durableBytes !== startBytes) throw dataLoss(`Bytes of a part of ${session.name} were lost`);
    } finally {
      body.destroy();
    }
  }
}

function assertOrder(wanted: readonly ChosenPart[]): void {
  for (const [index, { number }] of wanted.entries()) {
    if (number > (wanted[index - 1]?.number ?? 0)) continue;
    const message =
      'The list of parts was not in ascending order. The parts list must be specified in order by part number.';
    throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'PARTS_OUT_OF_ORDER', message });
  }
  if (wanted.length > 0) return;
  const message = 'You must specify at least one part';
  throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'NO_PARTS', message });
}

function assertLength(chosen: readonly ObjectPart[], told: number | undefined): void {
  const lengthBytes = chosen.reduce((sum, { upload }) => sum + upload.durableBytes, 0);
  if (told === undefined || told === lengthBytes) return;
  const message = `The object was said to have ${told} bytes, and its parts have ${lengthBytes}.`;
  throw new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', message });
}

function noSuchPart(number: number): ServiceError {
  const message = `Part ${number} could not be found, is not whole, or has another entity tag than was specified; or other parts were chosen before.`;
  return new ServiceError({ code: 'INVALID_ARGUMENT', reason: 'NO_SUCH_PART', message });
}
