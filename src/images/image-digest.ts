import { type JsonObject, objectOf, stringOf } from '../lib/json.ts';

/** Digests of an image's guest bytes, in hexadecimal digits. */
export interface ImageDigest {
  readonly imageId: string;
  /** Of the raw disk as one file. */
  readonly sha256: string;
  /** The tree's (volumes/guest-digest.ts). */
  readonly guestDigest: string;
}

export function imageDigestToJson({ imageId, sha256, guestDigest }: ImageDigest): JsonObject {
  return { imageId, sha256, guestDigest };
}

export function imageDigestFromJson(value: unknown): ImageDigest {
  const json = objectOf(value, 'image digest');
  return {
    imageId: stringOf(json, 'imageId'),
    sha256: stringOf(json, 'sha256'),
    guestDigest: stringOf(json, 'guestDigest'),
  };
}
