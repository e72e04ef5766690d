import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { receiveBody } from '../../../uploads/receive-body.ts';
import { maxJsonBytes, tooLarge } from './read-json.ts';
import { invalidArgument } from './storage-query.ts';

/**
 * `multipart/related` of two parts, JSON and the file (RFC 2387). Clients put the boundary in double quotes, in single ones
 * or in none, and end lines with CR LF or with LF; the ends of the first line are taken for those of all.
 */
export interface RelatedBody {
  readonly json: Uint8Array;
  /** Of the second part. */
  readonly contentType: string | undefined;
  /** The most bytes that the file can have; undefined when the request does not say how long it is. */
  readonly mostBytes: number | undefined;
  /** Takes the file out of what follows in the request, which is to be piped to it; it has its beginning already. */
  readonly file: Transform;
}

const maxPreambleBytes = maxJsonBytes + 16 * 1024;
const maxEpilogueBytes = 1024;

/** Throws INVALID_ARGUMENT. RFC 2046 has boundaries of up to 70 characters. */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, single, bare] = /;\s*boundary=(?:"([^"]+)"|'([^']+)'|([^\s;"']+))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? single ?? bare;
  const isRelated = /^\s*multipart\/related\s*;/i.test(contentType ?? '');
  if (isRelated && boundary !== undefined && /^[\x21-\x7e ]{1,200}$/.test(boundary)) return boundary;
  throw invalidArgument('The Content-Type of a multipart upload is multipart/related, with a boundary.');
}

/** Reads up to where the file begins. Throws INVALID_ARGUMENT, RESOURCE_EXHAUSTED, BodyBroken and the signal's reason. */
export async function readRelatedBody(
  request: IncomingMessage,
  boundary: string,
  signal: AbortSignal,
): Promise<RelatedBody> {
  let gathered = Buffer.alloc(0);
  let found: Preamble | undefined;
  await receiveBody(request, signal, (piece) => {
    gathered = Buffer.concat([gathered, piece]);
    found = parsePreamble(gathered, boundary);
    if (found !== undefined) throw new FileBegins();
    if (gathered.length > maxPreambleBytes) throw tooLarge();
    return undefined;
  }).catch((error: unknown) => {
    if (!(error instanceof FileBegins)) throw error;
  });
  if (found === undefined) throw malformed('it ends before the file begins');
  const file = new UntilDelimiter(Buffer.from(`${found.lineEnd}--${boundary}`, 'latin1'));
  // Not given back to the request, which may have ended with it.
  file.write(gathered.subarray(found.fileStart));
  const length = request.headers['content-length'];
  return {
    json: found.json,
    contentType: found.contentType,
    mostBytes: length === undefined ? undefined : Math.max(0, Number(length) - found.fileStart),
    file,
  };
}

/** No more is to be taken here. */
class FileBegins extends Error {}

interface Preamble {
  readonly json: Uint8Array;
  readonly contentType: string | undefined;
  readonly lineEnd: string;
  readonly fileStart: number;
}

/** Undefined while the file has not begun yet. */
function parsePreamble(bytes: Buffer, boundary: string): Preamble | undefined {
  // One character a byte: what is found is where it is in the bytes.
  const text = bytes.subarray(0, maxPreambleBytes).toString('latin1');
  const marker = `--${boundary}`;
  const start = /^\s*/.exec(text)?.[0].length ?? 0;
  if (!marker.startsWith(text.slice(start, start + marker.length)))
    throw malformed('it does not begin with its boundary');
  const afterMarker = start + marker.length;
  const lineEnd = text.startsWith('\r\n', afterMarker) ? '\r\n' : '\n';
  if (text.length < afterMarker + 2) return undefined;
  if (!text.startsWith(lineEnd, afterMarker)) throw malformed('its first boundary is no line');
  const blank = lineEnd + lineEnd;
  const jsonStart = text.indexOf(blank, afterMarker) + blank.length;
  if (jsonStart < blank.length) return undefined;
  const separator = `${lineEnd}${marker}${lineEnd}`;
  const jsonEnd = text.indexOf(separator, jsonStart);
  if (jsonEnd < 0) return undefined;
  const headersStart = jsonEnd + separator.length - lineEnd.length;
  const headersEnd = text.indexOf(blank, headersStart);
  if (headersEnd < 0) return undefined;
  const [, contentType] = /\ncontent-type:\s*([^\r\n]*)/i.exec(text.slice(headersStart, headersEnd)) ?? [];
  return { json: bytes.subarray(jsonStart, jsonEnd), contentType, lineEnd, fileStart: headersEnd + blank.length };
}

/** Passes on what is before the delimiter. Ends in an error when there is none, or another part behind it. */
class UntilDelimiter extends Transform {
  readonly #delimiter: Buffer;
  /** What may be the delimiter's beginning. */
  #held = Buffer.alloc(0);
  /** What is behind it. */
  #epilogue: Buffer | undefined;

  constructor(delimiter: Buffer) {
    super();
    this.#delimiter = delimiter;
    // It may fail before anybody listens; who reads it then finds it destroyed.
    this.on('error', () => {});
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#epilogue !== undefined) {
      this.#behind(piece, done);
      return;
    }
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const at = bytes.indexOf(this.#delimiter);
    const passed = at < 0 ? Math.max(0, bytes.length - this.#delimiter.length + 1) : at;
    if (passed > 0) this.push(bytes.subarray(0, passed));
    if (at < 0) {
      this.#held = Buffer.from(bytes.subarray(passed));
      done();
      return;
    }
    this.#epilogue = Buffer.alloc(0);
    this.#behind(bytes.subarray(at + this.#delimiter.length), done);
  }

  override _flush(done: TransformCallback): void {
    const isEnded = this.#epilogue?.toString('latin1').startsWith('--') ?? false;
    done(isEnded ? null : malformed('its last boundary is missing'));
  }

  #behind(piece: Buffer, done: TransformCallback): void {
    this.#epilogue = Buffer.concat([this.#epilogue ?? Buffer.alloc(0), piece]);
    done(this.#epilogue.length > maxEpilogueBytes ? malformed('there is more behind the file') : null);
  }
}

function malformed(what: string): Error {
  return invalidArgument(`Malformed multipart body: ${what}.`);
}
