import { parseContentRange, parseLength } from './content-range.ts';
import type { BodySink, ResponseHead } from './http-exchange.ts';
import type { HttpLocation } from './http-location.ts';
import { SourceFailed, type SourceFailedFacts } from './source-failed.ts';
import { difference, identityOf, type SourceIdentity, strongEtag } from './source-identity.ts';
import { describeUri } from './source-uri.ts';

/**
 * One version of an object on a server that gives ranges: every answer is held against its identity, so bytes of two
 * versions are never mixed.
 */
export class HttpObject {
  readonly identity: SourceIdentity;
  readonly sizeBytes: number;
  readonly #location: HttpLocation;

  constructor(location: HttpLocation, identity: SourceIdentity, sizeBytes: number) {
    this.#location = location;
    this.identity = identity;
    this.sizeBytes = sizeBytes;
  }

  /**
   * One request for exactly these bytes, handed to `sink` in order. When it rejects, the sink holds a true prefix.
   *
   * @throws SourceFailed; `changed` when the object is another one by now
   */
  async getRange(offset: number, length: number, sink: BodySink, signal: AbortSignal | undefined): Promise<void> {
    const headers: Record<string, string> = { range: `bytes=${offset}-${offset + length - 1}` };
    const etag = strongEtag(this.identity);
    if (etag !== undefined) headers['if-range'] = etag;
    let left = length;
    await this.#location.get({ headers, signal }, (head) => {
      this.#checkHead(head, offset, length);
      return {
        write: (chunk) => {
          left -= chunk.length;
          if (left < 0) throw misbehaved(this.#location, `The server sent more than the ${length} bytes asked for.`);
          return sink.write(chunk);
        },
      };
    });
    if (left > 0) {
      const reason = `The server sent only ${length - left} of the ${length} bytes asked for.`;
      throw misbehaved(this.#location, reason, { transient: true });
    }
  }

  #checkHead(head: ResponseHead, offset: number, length: number): void {
    refuseEncoding(this.#location, head);
    if (head.status === 412) throw changed(this.#location, 'is no longer the version that was first seen.');
    const range = parseContentRange(head.headers.get('content-range'));
    const sizeBytes = head.status === 200 ? parseLength(head.headers.get('content-length')) : range?.totalBytes;
    this.#checkSame(head, sizeBytes);
    if (head.status === 416)
      throw misbehaved(this.#location, 'The server no longer gives a range that lies in the file.');
    if (head.status === 200) {
      throw misbehaved(this.#location, 'The server answered with the whole file where it gave a range before.');
    }
    const told = parseLength(head.headers.get('content-length'));
    if (range?.offset !== offset || range.length !== length || (told !== undefined && told !== length)) {
      throw misbehaved(this.#location, 'The server answered with another range than the one asked for.');
    }
    if (range.totalBytes === undefined) {
      throw misbehaved(this.#location, 'The server no longer tells how long the file is.');
    }
  }

  #checkSame(head: ResponseHead, sizeBytes: number | undefined): void {
    const seen = identityOf(this.#location.first, head, { sizeBytes, ranges: true });
    // RFC 9110 (15.5.17) asks no validators of a 416; its length alone tells.
    const known =
      head.status === 416 ? { ...this.identity, etag: seen.etag, lastModified: seen.lastModified } : this.identity;
    const how = difference(known, seen);
    if (how !== undefined) throw changed(this.#location, how);
  }
}

/** Bodies are taken as they are: what a content coding would inflate to is neither counted nor seekable. */
export function refuseEncoding(location: HttpLocation, head: ResponseHead): void {
  const encoding = head.headers.get('content-encoding');
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw misbehaved(location, 'The server applied a Content-Encoding though none was accepted.', {
    remedy: 'Have the server send the file as it is.',
  });
}

export function misbehaved(
  location: HttpLocation,
  reason: string,
  more: Pick<SourceFailedFacts, 'remedy' | 'transient'> = {},
): SourceFailed {
  return new SourceFailed({ kind: 'misbehaved', url: describeUri(location.first), reason, ...more });
}

/** `how` ends a sentence that begins with "The file at the source". */
export function changed(location: HttpLocation, how: string): SourceFailed {
  return new SourceFailed({
    kind: 'changed',
    url: describeUri(location.first),
    reason: `The file at the source ${how}`,
    remedy: 'Start again when the file at the source no longer changes.',
  });
}
