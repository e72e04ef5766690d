import type { ServerResponse } from 'node:http';
import type { ContentAnswer } from './content-preconditions.ts';
import type { StreamedReply } from './streamed-call.ts';

/** Bytes that are given out whole or by a range, and do not change under their tag. */
export interface Content extends AsyncDisposable {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Of every reply. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of replies that have bytes. */
  readonly bodyHeaders: Readonly<Record<string, string>>;
  /** Writes the bytes from `start` up to `end`, and returns how many. */
  send(
    range: { readonly start: number; readonly end: number },
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<number>;
}

/** The reply to who asks for content. It disposes the content. */
export function contentReply(content: Content, answer: ContentAnswer): StreamedReply {
  const { etag, sizeBytes, headers, bodyHeaders } = content;
  const common = {
    etag,
    'accept-ranges': 'bytes',
    // For the same user a copy may be kept, but must be asked about: the right to read may be taken back.
    'cache-control': 'private, no-cache',
    ...headers,
  };
  const body = (status: number, start: number, end: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: { ...common, ...bodyHeaders, 'content-length': String(end - start), ...more },
    send: (response, signal) => content.send({ start, end }, response, signal),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  });
  const empty = (status: number, more: Record<string, string>): StreamedReply => ({
    status,
    headers: { ...common, ...more },
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
