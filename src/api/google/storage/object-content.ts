import type { ServerResponse } from 'node:http';
import type { OpenedObject } from '../../../buckets/open-object.ts';
import { contentAnswer } from '../../rest/content-preconditions.ts';
import type { StreamedHandler, StreamedReply } from '../../rest/streamed-call.ts';
import { writePiece } from '../../rest/write-piece.ts';
import { askedObject, type ObjectPath } from './object-handlers.ts';
import { authorizedBucket, type StorageDeps } from './storage-call.ts';
import { etagOf } from './storage-json.ts';

const pieceBytes = 1024 * 1024;

/** An object's bytes, by Range. */
export function objectContent(deps: StorageDeps, path: ObjectPath): StreamedHandler {
  return async (call) => {
    await authorizedBucket(deps, call, path.bucket);
    await using opened = new AsyncDisposableStack();
    const content = opened.use(await deps.storage.openObject(askedObject(path, call.query)));
    const { object } = content;
    const sizeBytes = object.upload.lengthBytes;
    const etag = `"${etagOf(object)}"`;
    const answer = contentAnswer(call.verb, call.header, { etag, sizeBytes });
    const reply = contentReply(content, answer, etag);
    opened.move(); // the reply disposes it from here on
    return reply;
  };
}

function contentReply(content: OpenedObject, answer: ReturnType<typeof contentAnswer>, etag: string): StreamedReply {
  const { object } = content;
  const sizeBytes = object.upload.lengthBytes;
  const about = {
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'last-modified': (object.wholeAt ?? object.upload.createdAt).toUTCString(),
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': '1',
    'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`,
    'x-goog-stored-content-length': String(sizeBytes),
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-storage-class': 'STANDARD',
  };
  const body = (status: number, start: number, end: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: {
      ...about,
      'content-type': headerText(object.contentType),
      'content-length': String(end - start),
      ...more,
    },
    send: (response, signal) => sendFile(content, { start, end }, response, signal),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  });
  const empty = (status: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: { ...about, ...more },
    send: async () => 0,
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  });
  switch (answer.kind) {
    case 'whole':
      return body(200, 0, sizeBytes, {});
    case 'part': {
      const { start, end } = answer;
      return body(206, start, end, { 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}` });
    }
    case 'unsatisfiable':
      return empty(416, { 'content-range': `bytes */${sizeBytes}`, 'content-length': '0' });
    case 'not-modified':
      return empty(304, {});
    case 'precondition-failed':
      return empty(412, { 'content-length': '0' });
  }
}

/** Writes bytes of the file at the pace of the reader. Throws when there are less than there must be: never others. */
async function sendFile(
  { file, object }: OpenedObject,
  { start, end }: { readonly start: number; readonly end: number },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<number> {
  const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - start));
  for (let at = start; at < end; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, end - at), at);
    if (bytesRead === 0) throw new Error(`the file of upload ${object.upload.id} ends at ${at}`);
    await writePiece(response, piece.subarray(0, bytesRead), signal);
    at += bytesRead;
  }
  return end - start;
}

/** The client's own word, as a header can have it. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
