import type { BlockDevice } from '../../formats/block-device.ts';
import type { Image } from '../../images/image.ts';
import { authorized } from '../authorized.ts';
import { contentAnswer } from './content-preconditions.ts';
import { sendDevice } from './send-device.ts';
import type { StreamedHandler, StreamedReply } from './streamed-call.ts';

/** What the content routes call, with what it needs already bound; see images/. */
export interface ContentFunctions {
  getImage(request: { imageId: string }): Promise<Image>;
  /** The image's guest bytes and the name of this very content. Throws FAILED_PRECONDITION until the image is READY. */
  openImageContent(request: { imageId: string }): Promise<BlockDevice & { readonly contentId: string }>;
}

export const contentRoute = '/obraz/v1/images/{image_id}/content';

/**
 * The raw guest bytes of an image, by Range and with a strong ETag. The tag names the content, not the image: it is
 * the same for every copy, and holds as long as the content does.
 */
export function imageContent({ getImage, openImageContent }: ContentFunctions, imageId: string): StreamedHandler {
  return async ({ authorize, verb, header }) => {
    await authorized(authorize, 'Image', imageId, () => getImage({ imageId }));
    const device = await openImageContent({ imageId });
    await using opened = new AsyncDisposableStack();
    opened.use(device);
    const reply = contentReply(imageId, device, contentAnswer(verb, header, tagged(device)));
    opened.move(); // the reply disposes the device from here on
    return reply;
  };
}

/** The device's entity tag: content ids have no characters that would need quoting. */
function tagged({ contentId, sizeBytes }: BlockDevice & { readonly contentId: string }) {
  return { etag: `"${contentId}"`, sizeBytes };
}

function contentReply(
  imageId: string,
  device: BlockDevice & { readonly contentId: string },
  answer: ReturnType<typeof contentAnswer>,
): StreamedReply {
  const { etag, sizeBytes } = tagged(device);
  const common = {
    etag,
    'accept-ranges': 'bytes',
    // For the same user a copy may be kept, but must be asked about: the right to read may be taken back.
    'cache-control': 'private, no-cache',
  };
  const body = (status: number, start: number, end: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: {
      ...common,
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${imageId.replaceAll(/[^\w.-]/g, '_')}.raw"`,
      'content-length': String(end - start),
      ...more,
    },
    send: (response, signal) => sendDevice(device, { start, end }, response, signal),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  });
  const empty = (status: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: { ...common, ...more },
    send: async () => 0,
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
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
