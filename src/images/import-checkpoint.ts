import { integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { readIdentity, type SourceIdentity } from '../sources/source-identity.ts';

/** What an `image.create` operation from an address is given. */
export interface ImportInput {
  readonly uri: string;
  /** 0 when the caller left it to us. */
  readonly minDiskSizeBytes: number;
}

export function writeImportInput({ uri, minDiskSizeBytes }: ImportInput): JsonObject {
  return { uri, minDiskSizeBytes };
}

export function readImportInput(value: unknown): ImportInput {
  const input = objectOf(value, 'input of image.create');
  return { uri: stringOf(input, 'uri'), minDiskSizeBytes: integerOf(input, 'minDiskSizeBytes') };
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
