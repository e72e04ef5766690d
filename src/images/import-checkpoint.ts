import { type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { readIdentity, type SourceIdentity } from '../sources/source-identity.ts';

/** What an `image.create` operation from an address is given. */
export interface ImportInput {
  readonly uri: string;
}

export function writeImportInput({ uri }: ImportInput): JsonObject {
  return { uri };
}

export function readImportInput(value: unknown): ImportInput {
  return { uri: stringOf(objectOf(value, 'input of image.create'), 'uri') };
}

/** What an interrupted import must know besides its segments: of which file they are. */
export interface ImportCheckpoint {
  readonly source: SourceIdentity;
}

export function writeImportCheckpoint({ url, etag, lastModified, sizeBytes, ranges }: SourceIdentity): JsonObject {
  return {
    source: {
      url,
      ranges,
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    },
  };
}

/** Undefined before the first checkpoint. */
export function readImportCheckpoint(value: unknown): ImportCheckpoint | undefined {
  if (value === undefined || value === null) return undefined;
  const source = readIdentity(objectOf(value, 'checkpoint of image.create').source);
  return source === undefined ? undefined : { source };
}
