import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import type { DigestAlgorithm } from './hash-in-order.ts';
import type { SourceIdentity } from './source-identity.ts';

/** What a source is doing: answering reads in place or from a complete copy, or copying the file to the spool first. */
export type SourcePhase = 'reading' | 'spooling';

/** Told of each phase as it begins, with the length of the file in bytes, if it is known by then. */
export type OnSourcePhase = (phase: SourcePhase, sizeBytes: number | undefined) => void;

/** A file that an image is made from, wherever it is, open for reading at random. */
export interface Source extends ByteSource {
  /** JSON-safe; give it back as `expected` when the operation goes on after a restart. */
  readonly identity: SourceIdentity;
  /** Where the file really was, redirects followed, masked for people. */
  readonly finalUrl: string;
  /** What the address that was given, or who sent it, calls the file. From outside, and '' if it has no name. */
  readonly fileName: string;

  /**
   * The digest of the whole file, in hexadecimal digits. A file that is not there as a copy is copied first, and from
   * then on read from the copy: what is read later is what was hashed.
   */
  digest(algorithm: DigestAlgorithm, options?: ReadOptions): Promise<string>;

  /**
   * Disposes the source and deletes its spool: for when the import is over. Disposing alone leaves what a later run
   * can continue or use; `removeSpool(path)` deletes that without opening anything.
   */
  discardSpool(): Promise<void>;
}
