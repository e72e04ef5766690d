import { BatchRefused } from './batch-refused.ts';
import { type Headers, readHeaders, takeHead } from './header-block.ts';
import { boundaryOf, splitMultipart } from './multipart.ts';

/** One request of a batch. */
export interface BatchPart {
  /** As the client wrote it; undefined when it did not. */
  readonly contentId: string | undefined;
  readonly verb: Verb;
  /** Path and query, normalised as URLs are. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Verb = (typeof verbs)[number];

/** As many as the public API takes. */
const maxParts = 1_000;
const maxContentIdLength = 256;
/** All requests of a batch are of one API. What streams content is elsewhere, and so are batches. */
const apiPath = '/compute/v1/';

/**
 * The requests of a batch, as the public API takes them:
 *
 *   multipart/mixed, each part
 *     Content-Type: application/http
 *     Content-ID: <anything>
 *                                          an empty line
 *     VERB /compute/v1/... HTTP/1.1
 *     headers
 *                                          an empty line
 *     body
 *
 * Throws BatchRefused for anything else, so that a batch runs wholly or not at all.
 */
export function readBatch(contentType: string | undefined, body: Uint8Array): readonly BatchPart[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  return splitMultipart(text, boundaryOf(contentType), maxParts).map(readPart);
}

function readPart(text: string): BatchPart {
  const envelope = takeHead(text);
  const about = readHeaders(envelope.lines);
  const type = about.get('content-type') ?? '';
  if (!/^application\/http[ \t]*(?:;|$)/i.test(type)) throw new BatchRefused('a part is not application/http');
  const contentId = about.get('content-id');
  if (contentId !== undefined && contentId.length > maxContentIdLength)
    throw new BatchRefused('a Content-ID is too long');
  const { lines, rest } = takeHead(envelope.rest);
  const [requestLine = '', ...headerLines] = lines;
  return {
    contentId,
    ...readRequestLine(requestLine),
    headers: readHeaders(headerLines),
    body: Buffer.from(withoutLastBreaks(rest), 'latin1'),
  };
}

function readRequestLine(line: string): { verb: Verb; target: string } {
  const [, name, written] = /^([A-Z]+) (\/\S*)(?: HTTP\/1\.[01])?$/.exec(line) ?? [];
  const verb = verbs.find((known) => known === name);
  if (verb === undefined || written === undefined) throw new BatchRefused('a part does not begin with a request');
  const target = normalised(written);
  if (target === undefined || !target.startsWith(apiPath)) {
    throw new BatchRefused(`a part is no request of this API: its path does not begin with ${apiPath}`);
  }
  return { verb, target };
}

/** Without the `..` that would lead elsewhere, written in any way. */
function normalised(target: string): string | undefined {
  const url = URL.parse(`http://localhost${target}`);
  return url === null ? undefined : url.pathname + url.search;
}

/** The line breaks in front of a boundary are as many as the client likes, and mean nothing to JSON. */
function withoutLastBreaks(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end -= 1;
  return text.slice(0, end);
}
