import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import type { SourceIdentity } from './source-identity.ts';

/** What a source is doing: answering reads by ranges or from a complete copy, or copying the file to the spool first. */
export type SourcePhase = 'reading' | 'spooling';

/** A file on an HTTP server, open for reading at random. */
export interface HttpSource extends ByteSource {
  /** JSON-safe; give it back as `expected` when the operation goes on after a restart. */
  readonly identity: SourceIdentity;
  /** Where redirects led, masked for people. */
  readonly finalUrl: string;

  /**
   * The SHA-256 of the whole file, in hexadecimal digits. A file that is not there as a copy is copied first, and from
   * then on read from the copy: what is read later is what was hashed.
   */
  sha256(options?: ReadOptions): Promise<string>;

  /**
   * Disposes the source and deletes its spool: for when the import is over. Disposing alone leaves what a later run
   * can continue or use; `removeSpool(path)` deletes that without opening anything.
   */
  discardSpool(): Promise<void>;
}
