import type { ServerResponse } from 'node:http';
import type { OpenedObject } from '../../../buckets/open-object.ts';
import { authorizedBucket } from '../../authorized-bucket.ts';
import { contentAnswer } from '../../rest/content-preconditions.ts';
import { type Content, contentReply } from '../../rest/content-reply.ts';
import type { StreamedHandler } from '../../rest/streamed-call.ts';
import { writePiece } from '../../rest/write-piece.ts';
import { askedObject, type ObjectPath } from './object-handlers.ts';
import type { StorageDeps } from './storage-call.ts';
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
    const reply = contentReply(fileContent(content, etag), answer);
    opened.move(); // the reply disposes it from here on
    return reply;
  };
}

function fileContent(content: OpenedObject, etag: string): Content {
  const { object } = content;
  const sizeBytes = object.upload.lengthBytes;
  return {
    etag,
    sizeBytes,
    headers: {
      'last-modified': (object.wholeAt ?? object.upload.createdAt).toUTCString(),
      'x-goog-generation': String(object.generation),
      'x-goog-metageneration': '1',
      'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`,
      'x-goog-stored-content-length': String(sizeBytes),
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-storage-class': 'STANDARD',
    },
    bodyHeaders: { 'content-type': headerText(object.contentType) },
    send: (range, response, signal) => sendFile(content, range, response, signal),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  };
}

/** Writes bytes of the file at the pace of the reader. Throws when they are not there any more: never others. */
export async function sendFile(
  { bytes }: OpenedObject,
  { start, end }: { readonly start: number; readonly end: number },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<number> {
  const memory = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - start));
  for (let at = start; at < end; ) {
    const into = memory.subarray(0, Math.min(memory.length, end - at));
    const piece = await bytes.read(at, into.length, { signal, into });
    await writePiece(response, piece, signal);
    at += piece.length;
  }
  return end - start;
}

/** The client's own word, as a header can have it. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
