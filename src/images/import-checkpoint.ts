import { integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { readIdentity, type SourceIdentity } from '../sources/source-identity.ts';

/** What an `image.create` operation from an address is given. */
export interface ImportInput {
  readonly uri: string;
  /** What the file must be: its SHA-256 in hexadecimal digits, or ''. */
  readonly sourceSha256: string;
  /** Likewise its SHA-512. */
  readonly sourceSha512: string;
  /** The disk is made a whole number of these, by zeros at its end; 1 leaves it as it is. */
  readonly roundUpToBytes: number;
}

export function writeImportInput({ uri, sourceSha256, sourceSha512, roundUpToBytes }: ImportInput): JsonObject {
  return { uri, sourceSha256, sourceSha512, roundUpToBytes };
}

export function readImportInput(value: unknown): ImportInput {
  const input = objectOf(value, 'input of image.create');
  // Older operations have neither sourceSha512 nor roundUpToBytes.
  return {
    uri: stringOf(input, 'uri'),
    sourceSha256: stringOf(input, 'sourceSha256'),
    sourceSha512: input.sourceSha512 === undefined ? '' : stringOf(input, 'sourceSha512'),
    roundUpToBytes: input.roundUpToBytes === undefined ? 1 : integerOf(input, 'roundUpToBytes'),
  };
}

/** What an interrupted import must know besides its segments: of which file they are. */
export interface ImportCheckpoint {
  readonly source: SourceIdentity;
  /** The most guest bytes that were ever durable; less may be, when some had to be stored again. */
  readonly furthestBytes: number;
}

export function writeImportCheckpoint({ source, furthestBytes }: ImportCheckpoint): JsonObject {
  const { url, etag, lastModified, sizeBytes, ranges, sha256 } = source;
  return {
    furthestBytes,
    source: {
      url,
      ranges,
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(sha256 === undefined ? {} : { sha256 }),
    },
  };
}

/** Undefined before the first checkpoint. */
export function readImportCheckpoint(value: unknown): ImportCheckpoint | undefined {
  if (value === undefined || value === null) return undefined;
  const checkpoint = objectOf(value, 'checkpoint of image.create');
  const source = readIdentity(checkpoint.source);
  return source === undefined ? undefined : { source, furthestBytes: integerOf(checkpoint, 'furthestBytes') };
}
