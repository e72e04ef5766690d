import type { Upload } from '../uploads/upload.ts';

/**
 * A file with a name in a bucket. It is an upload of the bucket (uploads/upload.ts) and a row with its name:
 *
 *   open   its bytes arrive; it has no generation, and nobody sees it under its name
 *   whole  all are there, were hashed, and it has the name, which whatever had it before has lost
 *
 * From open to whole, and from whole to gone, is one transaction each. An object expires as uploads do; being read puts
 * that off. One that is deleted or replaced while operations read it keeps its bytes until the last of them ends.
 */
export interface StoredObject {
  /** Its place in uploads/. */
  readonly upload: Upload;
  readonly bucket: string;
  readonly name: string;
  /** Of objects of one name each is greater than the one before; 0 while it is open. */
  readonly generation: number;
  /** When it became whole; undefined while it is open. */
  readonly wholeAt: Date | undefined;
  readonly contentType: string;
  /** In base64; '' while it is open. */
  readonly md5: string;
  /** In base64 of four bytes, big-endian; '' while it is open. */
  readonly crc32c: string;
  /** What else its client said of it. */
  readonly described: Described;
  readonly terms: Terms;
}

/** Kept and given back; nothing follows from it here. */
export interface Described {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly texts?: Readonly<Record<string, string>>;
}

/** What must hold for an object to become whole, or of the one that a request is about. */
export interface Terms {
  /** The generation that has the name: 0 for none. */
  readonly generation?: number;
  readonly notGeneration?: number;
  readonly metageneration?: number;
  readonly notMetageneration?: number;
  /** Of the bytes that are to come, in base64. */
  readonly md5?: string;
  readonly crc32c?: string;
}

/** Nothing changes what is said of an object once it is whole. */
export const metageneration = 1;

/** Whether the terms hold while `current` has the name. */
export function holds(terms: Terms, current: Pick<StoredObject, 'generation'> | undefined): boolean {
  const generation = current?.generation ?? 0;
  const meta = current === undefined ? 0 : metageneration;
  return (
    (terms.generation ?? generation) === generation &&
    terms.notGeneration !== generation &&
    (terms.metageneration ?? meta) === meta &&
    terms.notMetageneration !== meta
  );
}
