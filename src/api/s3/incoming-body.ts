import type { IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { BodyBroken, receiveBody } from '../../uploads/receive-body.ts';
import { through } from '../rest/through.ts';
import { BodyChecks } from './body-checks.ts';
import { decodeChunks } from './chunked-body.ts';
import { s3Error } from './s3-error.ts';
import { headerOf, type S3Request } from './s3-request.ts';
import type { Signer } from './verify-request.ts';

/** A request's body, without whatever coding its client put around it. */
export interface IncomingBody {
  readonly lengthBytes: number;
  /** Gives `work` the bytes. The request can be answered whatever becomes of that. */
  use<T>(work: (body: Readable) => Promise<T>): Promise<T>;
  /** Throws when the bytes, now that all have come, are others than the client said, in front of them or behind. */
  check(): void;
}

/** How a body comes, as `x-amz-content-sha256` says it; anything else there is the body's SHA-256. */
const codings: Readonly<Record<string, 'plain' | 'chunked' | 'signed chunks'>> = {
  'UNSIGNED-PAYLOAD': 'plain',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': 'chunked',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': 'signed chunks',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': 'signed chunks',
};

/** Throws what S3 says of a body whose length or coding is not known. */
export function incomingBody(request: S3Request, signer: Signer, raw: IncomingMessage): IncomingBody {
  const { bodyHash } = signer.credentials;
  const isHash = /^[0-9a-f]{64}$/.test(bodyHash);
  const coding = isHash ? 'plain' : codings[bodyHash];
  if (coding === undefined) {
    throw s3Error(
      'NotImplemented',
      'x-amz-content-sha256 is neither a SHA-256 nor a way to send a body that is known here.',
    );
  }
  const checks = new BodyChecks(request, isHash ? bodyHash : undefined);
  if (coding === 'plain') return plainBody(request, raw, checks);
  const decodedBytes = lengthIn(request, 'x-amz-decoded-content-length');
  const onTrailer = (trailer: ReadonlyMap<string, string>) => checks.addTrailer(trailer);
  const chunks = { isSigned: coding === 'signed chunks', decodedBytes, signer, onTrailer };
  return {
    lengthBytes: decodedBytes,
    use(work) {
      const decoded = decodeChunks({ ...chunks, onBytes: (bytes) => checks.add(bytes) });
      return through(raw, decoded, () => work(decoded));
    },
    check: () => checks.finish(),
  };
}

function plainBody(request: S3Request, raw: IncomingMessage, checks: BodyChecks): IncomingBody {
  const check = () => checks.finish();
  return {
    lengthBytes: lengthIn(request, 'content-length'),
    async use(work) {
      if (!checks.areAny) return await work(raw);
      const checked = new Transform({
        transform(piece: Buffer, _encoding, done) {
          checks.add(piece);
          done(null, piece);
        },
      });
      return await through(raw, checked, () => work(checked));
    },
    check,
  };
}

/** Long enough for any list of parts, which come from clients that have them at hand. */
const arrivalMs = 60_000;

/** A body that is no file: XML. Throws what S3 says of one that is too long. */
export async function readSmallBody(
  incoming: IncomingBody,
  { mostBytes, signal: leaving }: { readonly mostBytes: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  const tooLong = () => s3Error('MalformedXML', `The XML you provided has more than ${mostBytes} bytes.`);
  if (incoming.lengthBytes > mostBytes) throw tooLong();
  const late = AbortSignal.timeout(arrivalMs);
  const signal = AbortSignal.any([leaving, late]);
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  const take = (piece: Uint8Array) => {
    // What was said of its length need not be so.
    lengthBytes += piece.length;
    if (lengthBytes > mostBytes) throw tooLong();
    pieces.push(piece);
    return undefined;
  };
  await incoming
    .use((body) => receiveBody(body, signal, take))
    .catch((error: unknown) => {
      throw late.aborted ? new BodyBroken(error) : error;
    });
  incoming.check();
  return Buffer.concat(pieces);
}

function lengthIn(request: S3Request, name: string): number {
  const hasBody = request.verb === 'PUT' || request.headers.has('transfer-encoding');
  const text = headerOf(request, name) ?? (hasBody ? '' : '0');
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw s3Error('MissingContentLength', `You must provide the ${name} HTTP header.`);
}
