import type { ServerResponse } from 'node:http';
import { invalidField } from '../../errors.ts';
import type { BlockDevice } from '../../formats/block-device.ts';
import { authorized } from '../authorized.ts';
import type { ContentFunctions } from './image-content.ts';
import { jsonType } from './rest-reply.ts';
import type { StreamedHandler } from './streamed-call.ts';
import { writePiece } from './write-piece.ts';

export const extentsRoute = '/obraz/v1/images/{image_id}/extents';

/** Text is sent in pieces of about this many characters. */
const pieceLength = 16 * 1024;

/**
 * What each run of an image's guest bytes is, as JSON that is written while the extents are read, so that neither a
 * fragmented image nor a slow reader takes memory:
 *
 *   {"sizeBytes":"...","extents":[{"offset":"...","length":"...","kind":"data|zero|hole"}, ...]}
 *
 * `?offset=&length=` ask for a part; it is cut to the disk. The ETag is that of the content.
 */
export function imageExtents({ getImage, openImageContent }: ContentFunctions, imageId: string): StreamedHandler {
  return async ({ authorize, query }) => {
    const [offset, length] = [wholeNumber(query, 'offset') ?? 0, wholeNumber(query, 'length')];
    await authorized(authorize, 'Image', imageId, () => getImage({ imageId }));
    const device = await openImageContent({ imageId });
    const start = Math.min(offset, device.sizeBytes);
    const end = length === undefined ? device.sizeBytes : Math.min(start + length, device.sizeBytes);
    return {
      status: 200,
      headers: { 'content-type': jsonType, etag: `"${device.contentId}"`, 'cache-control': 'private, no-cache' },
      send: (response, signal) => sendText(extentsJson(device, start, end, signal), response, signal),
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  };
}

/** Writes ASCII text, and returns its bytes. Text that fails before its first piece leaves the reply untouched. */
async function sendText(text: AsyncIterable<string>, response: ServerResponse, signal: AbortSignal): Promise<number> {
  let sent = 0;
  for await (const piece of text) {
    await writePiece(response, piece, signal);
    sent += piece.length;
  }
  return sent;
}

async function* extentsJson(
  device: BlockDevice,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let text = `{"sizeBytes":"${device.sizeBytes}","extents":[`;
  let separator = '';
  if (end > start) {
    for await (const { offset, length, kind } of device.extents(start, end - start, { signal })) {
      text += `${separator}{"offset":"${offset}","length":"${length}","kind":"${kind}"}`;
      separator = ',';
      if (text.length < pieceLength) continue;
      yield text;
      text = '';
    }
  }
  yield `${text}]}\n`;
}

/** A parameter that is a whole number; undefined when it is not given. */
function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalidField(name, 'must be a whole number of bytes');
}
