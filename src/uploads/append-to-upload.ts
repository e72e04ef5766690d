import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { dataLoss, ServiceError } from '../errors.ts';
import { explainFailure } from '../operations/failure.ts';
import { BytesLost } from '../sources/bytes-lost.ts';
import { getUpload } from './get-upload.ts';
import { BodyBroken, receiveBody } from './receive-body.ts';
import type { Upload } from './upload.ts';
import type { UploadAppender } from './upload-bytes.ts';
import { TakenOver } from './upload-turns.ts';
import type { Uploads } from './uploads.ts';

/** Algorithms of checksums: SHA-1 is the one that every tus server with checksums has to know. */
export const checksumAlgorithms = ['sha1', 'sha256', 'sha512'] as const;

export interface Checksum {
  readonly algorithm: (typeof checksumAlgorithms)[number];
  readonly value: Uint8Array;
}

export interface AppendToUpload {
  readonly uploadId: string;
  /** Where the client believes that the upload stands. */
  readonly offsetBytes: number;
  /** How many bytes are to come, when the client says so. */
  readonly bodyLength: number | undefined;
  readonly body: Readable;
  /** What the body must be: nothing of one that is another is kept. */
  readonly checksum: Checksum | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** The declared length is only what was set aside so far: room for more is, as it comes. Without a checksum only. */
  readonly mayGrow?: boolean;
  /** Told of each piece that is kept, in order. */
  readonly onPiece?: (piece: Uint8Array) => void;
}

/**
 * Adds a body to an upload, and returns the upload when all of it is durable. Of a body that breaks off, or is taken over
 * by another request, what arrived is kept, unless it has a checksum.
 *
 * Throws NOT_FOUND; ABORTED when the upload stands elsewhere, or is taken over; INVALID_ARGUMENT for more bytes than were
 * declared, and for a body that is not what its checksum says; RESOURCE_EXHAUSTED when the disk is full; BodyBroken.
 */
export async function appendToUpload(uploads: Uploads, request: AppendToUpload, subjectId: string): Promise<Upload> {
  await getUpload(uploads, request, subjectId); // a stranger interrupts nobody
  using turn = await uploads.turns.take(request.uploadId);
  const upload = await getUpload(uploads, request, subjectId);
  checkFits(upload, request);
  try {
    const { checksum } = request;
    await using appender = await uploads.bytes.append(upload, { isWithheld: checksum !== undefined });
    const signal = AbortSignal.any([request.signal, turn.signal]);
    if (checksum === undefined) await receive(appender, { ...request, signal });
    else await receiveChecked(appender, { ...request, signal, checksum });
    await appender.save();
    return appender.upload;
  } catch (error) {
    throw explain(error, request);
  }
}

/** Writes the body, and makes it durable bit by bit. When it ends too early, what came is made durable, too. */
async function receive(appender: UploadAppender, request: AppendToUpload): Promise<void> {
  const { body, signal, mayGrow = false, onPiece } = request;
  const keep = (piece: Uint8Array) => {
    onPiece?.(piece);
    return appender.append(piece);
  };
  try {
    await receiveBody(body, signal, (piece) => {
      const end = appender.lengthBytes + piece.length;
      if (mayGrow && end > appender.upload.lengthBytes) return appender.lengthen(end).then(() => keep(piece));
      checkEnd(end, appender.upload);
      return keep(piece);
    });
  } catch (error) {
    // The request has failed of something else, and the row says only what is true.
    await appender.save().catch(() => {});
    throw error;
  }
}

/** Writes the body; none of it counts before its checksum was found right. */
async function receiveChecked(
  appender: UploadAppender,
  { body, signal, checksum }: AppendToUpload & { readonly checksum: Checksum },
): Promise<void> {
  const hash = createHash(checksum.algorithm);
  await receiveBody(body, signal, (piece) => {
    checkEnd(appender.lengthBytes + piece.length, appender.upload);
    hash.update(piece);
    return appender.append(piece);
  });
  if (!hash.digest().equals(checksum.value)) {
    throw new ServiceError({
      code: 'INVALID_ARGUMENT',
      reason: 'CHECKSUM_MISMATCH',
      message: `The body has another ${checksum.algorithm} than Upload-Checksum says; nothing of it was kept`,
    });
  }
}

function checkFits(upload: Upload, { offsetBytes, bodyLength, mayGrow = false }: AppendToUpload): void {
  const { id, durableBytes } = upload;
  if (offsetBytes !== durableBytes) {
    throw new ServiceError({
      code: 'ABORTED',
      reason: 'UPLOAD_OFFSET_MISMATCH',
      message: `Upload "${id}" goes on at ${durableBytes}, not at ${offsetBytes}`,
    });
  }
  if (!mayGrow) checkEnd(durableBytes + (bodyLength ?? 0), upload);
}

function checkEnd(end: number, { id, lengthBytes }: Upload): void {
  if (end <= lengthBytes) return;
  throw new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'UPLOAD_TOO_LONG',
    message: `Upload "${id}" was declared to have ${lengthBytes} bytes; more were sent`,
  });
}

function explain(error: unknown, { uploadId }: AppendToUpload): unknown {
  if (error instanceof BodyBroken) return error;
  if (error instanceof TakenOver) {
    return new ServiceError({ code: 'ABORTED', reason: 'UPLOAD_TAKEN_OVER', message: error.message, cause: error });
  }
  if (error instanceof BytesLost)
    return dataLoss(`Bytes of upload "${uploadId}" were lost. Delete it and begin again.`, error);
  return explainFailure(error);
}
