import { createHash, type Hash } from 'node:crypto';
import { Transform } from 'node:stream';
import { s3Error } from './s3-error.ts';
import { scopeText, signatureOf } from './signature-v4.ts';
import { isSame, type Signer } from './verify-request.ts';

/**
 * `aws-chunked`, the coding in which clients of S3 send bodies whose hash they do not know before they begin
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html):
 *
 *   SIZE[;chunk-signature=SIGNATURE]\r\n BYTES\r\n   any number of times, SIZE in hexadecimal digits
 *   0[;chunk-signature=SIGNATURE]\r\n
 *   NAME:VALUE\r\n                                   the trailer, which may be empty
 *   [x-amz-trailer-signature:SIGNATURE\r\n]
 *   \r\n
 *
 * A signature is of the one before and of what it stands for; the first one follows that of the request.
 */

/** What a chunk's head, or a line of the trailer, may have: signatures have 64 characters, checksums 88. */
const maxLineBytes = 1024;
const maxTrailerLines = 16;
const emptyHash = createHash('sha256').digest('hex');

export interface ChunkedBody {
  readonly isSigned: boolean;
  /** Of the bytes in the chunks, as the client said it. */
  readonly decodedBytes: number;
  readonly signer: Signer;
  /** Told of the bytes in the chunks, in order. */
  readonly onBytes: (bytes: Buffer) => void;
  /** Told of the trailer's lines, once they are all there and known to be the signer's; before the body ends. */
  readonly onTrailer: (trailer: ReadonlyMap<string, string>) => void;
}

/** The bytes in the chunks. It fails, before its end, with what S3 says of a body that is not what it should be. */
export function decodeChunks(body: ChunkedBody): Transform {
  const decoder = new ChunkDecoder(body);
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      try {
        decoder.take(piece, (bytes) => this.push(bytes));
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error('chunks were not decoded', { cause: error }));
      }
    },
    flush(done) {
      try {
        decoder.end();
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error('chunks were not decoded', { cause: error }));
      }
    },
  });
}

class ChunkDecoder {
  readonly #body: ChunkedBody;
  readonly #trailer = new Map<string, string>();
  #state: 'head' | 'bytes' | 'after' | 'trailer' | 'over' = 'head';
  #line = '';
  /** Of the chunk. */
  #leftBytes = 0;
  #hash: Hash | undefined;
  #signature = '';
  #decodedBytes = 0;
  #previous: string;

  constructor(body: ChunkedBody) {
    this.#body = body;
    this.#previous = body.signer.credentials.signature;
  }

  take(piece: Buffer, push: (bytes: Buffer) => void): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#state === 'bytes') {
        const bytes = piece.subarray(at, at + this.#leftBytes);
        at += bytes.length;
        this.#takeBytes(bytes, push);
        continue;
      }
      const end = piece.indexOf(0x0a, at);
      const line = piece.toString('latin1', at, end < 0 ? piece.length : end);
      this.#line += line;
      if (this.#line.length > maxLineBytes) throw malformed('a line of it is too long');
      at = end < 0 ? piece.length : end + 1;
      if (end >= 0) this.#takeLine();
    }
  }

  end(): void {
    if (this.#state !== 'over') throw s3Error('IncompleteBody', 'The body ended before its last chunk.');
  }

  #takeBytes(bytes: Buffer, push: (bytes: Buffer) => void): void {
    this.#hash?.update(bytes);
    this.#body.onBytes(bytes);
    this.#leftBytes -= bytes.length;
    push(bytes);
    if (this.#leftBytes > 0) return;
    this.#closeChunk();
    this.#state = 'after';
  }

  #takeLine(): void {
    if (!this.#line.endsWith('\r')) throw malformed('a line of it does not end with CR and LF');
    const line = this.#line.slice(0, -1);
    this.#line = '';
    switch (this.#state) {
      case 'head':
        this.#takeHead(line);
        return;
      case 'after':
        if (line !== '') throw malformed('a chunk is longer than it says');
        this.#state = 'head';
        return;
      case 'trailer':
        this.#takeTrailer(line);
        return;
      default:
        throw malformed('there is more behind its end');
    }
  }

  #takeHead(line: string): void {
    const [, size = '', signature = ''] = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line) ?? [];
    if (size === '') throw malformed('the head of a chunk is none');
    const { isSigned, decodedBytes } = this.#body;
    if (isSigned !== (signature !== '')) throw malformed('its chunks are to be signed all, or not at all');
    this.#signature = signature;
    this.#hash = isSigned ? createHash('sha256') : undefined;
    this.#leftBytes = Number.parseInt(size, 16);
    this.#decodedBytes += this.#leftBytes;
    if (this.#decodedBytes > decodedBytes) throw wrongLength(decodedBytes);
    if (this.#leftBytes > 0) {
      this.#state = 'bytes';
      return;
    }
    if (this.#decodedBytes !== decodedBytes) throw wrongLength(decodedBytes);
    this.#closeChunk();
    this.#state = 'trailer';
  }

  #closeChunk(): void {
    if (this.#hash === undefined) return;
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', [emptyHash, this.#hash.digest('hex')], this.#signature);
    this.#previous = this.#signature;
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      if (this.#body.isSigned) this.#checkTrailer();
      this.#state = 'over';
      this.#body.onTrailer(this.#trailer);
      return;
    }
    const [, name = '', value = ''] = /^([a-z0-9-]+):\s*(\S*)\s*$/i.exec(line) ?? [];
    if (name === '' || this.#trailer.size >= maxTrailerLines) throw malformed('its trailer is none');
    this.#trailer.set(name.toLowerCase(), value);
  }

  /** A signed body without a trailer has no signature of one. */
  #checkTrailer(): void {
    const name = 'x-amz-trailer-signature';
    const signature = this.#trailer.get(name) ?? '';
    this.#trailer.delete(name);
    if (this.#trailer.size === 0) return;
    const lines = [...this.#trailer].map(([key, value]) => `${key}:${value}\n`);
    const hash = createHash('sha256').update(lines.join('')).digest('hex');
    this.#check('AWS4-HMAC-SHA256-TRAILER', [hash], signature);
  }

  #check(kind: string, hashes: readonly string[], signature: string): void {
    const { credentials, key } = this.#body.signer;
    const text = [kind, credentials.time, scopeText(credentials.scope), this.#previous, ...hashes].join('\n');
    if (isSame(signatureOf(key, text), signature)) return;
    throw s3Error(
      'SignatureDoesNotMatch',
      'A chunk of the body, or its trailer, is not signed by who signed the request.',
    );
  }
}

function malformed(what: string) {
  return s3Error('InvalidRequest', `The body is not aws-chunked: ${what}.`);
}

function wrongLength(decodedBytes: number) {
  return s3Error('IncompleteBody', `The chunks do not have the ${decodedBytes} bytes of x-amz-decoded-content-length.`);
}
