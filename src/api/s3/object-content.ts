import type { OpenedObject } from '../../buckets/open-object.ts';
import { authorizedBucket } from '../authorized-bucket.ts';
import { sendFile } from '../google/storage/object-content.ts';
import { contentAnswer } from '../rest/content-preconditions.ts';
import { type Content, contentReply } from '../rest/content-reply.ts';
import type { StreamedHandler } from '../rest/streamed-call.ts';
import { etagOf } from './entity-tag.ts';
import { describedHeaders, plain } from './object-headers.ts';
import type { ObjectPath, S3Deps } from './s3-call.ts';

/** An object's bytes, by Range; of a HEAD what is said of them. */
export function objectContent(deps: S3Deps, { bucket, key }: ObjectPath): StreamedHandler {
  return async (call) => {
    await authorizedBucket(deps, call, bucket);
    await using opened = new AsyncDisposableStack();
    const content = opened.use(await deps.storage.openObject({ bucket, name: key }));
    const { object } = content;
    const sizeBytes = object.upload.lengthBytes;
    const answer = contentAnswer(call.verb, call.header, { etag: etagOf(object), sizeBytes });
    const reply = contentReply(objectBytes(content), answer);
    opened.move(); // the reply disposes it from here on
    return reply;
  };
}

function objectBytes(content: OpenedObject): Content {
  const { object } = content;
  return {
    etag: etagOf(object),
    sizeBytes: object.upload.lengthBytes,
    headers: {
      'last-modified': (object.wholeAt ?? object.upload.createdAt).toUTCString(),
      ...describedHeaders(object.described),
    },
    bodyHeaders: { 'content-type': plain(object.contentType) },
    send: (range, response, signal) => sendFile(content, range, response, signal),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  };
}
