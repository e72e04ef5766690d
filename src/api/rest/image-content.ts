import type { BlockDevice } from '../../formats/block-device.ts';
import type { Image } from '../../images/image.ts';
import { authorized } from '../authorized.ts';
import { contentAnswer } from './content-preconditions.ts';
import { type Content, contentReply } from './content-reply.ts';
import { sendDevice } from './send-device.ts';
import type { StreamedHandler } from './streamed-call.ts';

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
    const reply = contentReply(deviceContent(imageId, device), contentAnswer(verb, header, tagged(device)));
    opened.move(); // the reply disposes the device from here on
    return reply;
  };
}

/** The device's entity tag: content ids have no characters that would need quoting. */
function tagged({ contentId, sizeBytes }: BlockDevice & { readonly contentId: string }) {
  return { etag: `"${contentId}"`, sizeBytes };
}

function deviceContent(imageId: string, device: BlockDevice & { readonly contentId: string }): Content {
  return {
    ...tagged(device),
    headers: {},
    bodyHeaders: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${imageId.replaceAll(/[^\w.-]/g, '_')}.raw"`,
    },
    send: (range, response, signal) => sendDevice(device, range, response, signal),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}
