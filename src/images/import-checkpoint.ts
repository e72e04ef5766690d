import { choiceOf, integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { readIdentity, type SourceIdentity } from '../sources/source-identity.ts';
import { type FileForm, fileForms } from '../wrappers/file-form.ts';

/** What an `image.create` operation from an address is given. */
export interface ImportInput {
  readonly uri: string;
  /** What the file must be: its SHA-256 in hexadecimal digits, or ''. */
  readonly sourceSha256: string;
  /** Likewise its SHA-512, and its SHA-1, which is for compatibility alone. */
  readonly sourceSha512: string;
  readonly sourceSha1: string;
  /** Which files are taken at all. */
  readonly form: FileForm;
  /** The disk is made a whole number of these, by zeros at its end; 1 leaves it as it is. */
  readonly roundUpToBytes: number;
}

export function writeImportInput(input: ImportInput): JsonObject {
  const { uri, sourceSha256, sourceSha512, sourceSha1, form, roundUpToBytes } = input;
  return { uri, sourceSha256, sourceSha512, sourceSha1, form, roundUpToBytes };
}

export function readImportInput(value: unknown): ImportInput {
  const input = objectOf(value, 'input of image.create');
  // Older operations have no more than the uri and sourceSha256.
  return {
    uri: stringOf(input, 'uri'),
    sourceSha256: stringOf(input, 'sourceSha256'),
    sourceSha512: input.sourceSha512 === undefined ? '' : stringOf(input, 'sourceSha512'),
    sourceSha1: input.sourceSha1 === undefined ? '' : stringOf(input, 'sourceSha1'),
    form: input.form === undefined ? 'any' : choiceOf(input.form, fileForms, 'form of a source'),
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
