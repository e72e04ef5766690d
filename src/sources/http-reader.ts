import type { ByteReadOptions, ReadOptions } from '../formats/byte-source.ts';
import { type Copy, startCopy } from './background-copy.ts';
import { checkRange } from './file-source.ts';
import { type FirstAnswer, sizeOf } from './first-answer.ts';
import { type DigestAlgorithm, hashInOrder } from './hash-in-order.ts';
import type { HttpLimits } from './http-limits.ts';
import type { HttpLocation } from './http-location.ts';
import type { HttpObject } from './http-object.ts';
import { RangeReader } from './range-reader.ts';
import { ReadPattern } from './read-pattern.ts';
import type { OnSourcePhase, Source } from './source.ts';
import { SourceFailed } from './source-failed.ts';
import type { SourceIdentity } from './source-identity.ts';
import { describeUri } from './source-uri.ts';
import { removeSpool, type SpoolRecord } from './spool-record.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface HttpReaderOptions {
  readonly location: HttpLocation;
  readonly limits: HttpLimits;
  /** Aborts when the source is closed or cancelled. */
  readonly closed: AbortSignal;
  readonly spoolPath: string;
  readonly onPhase: OnSourcePhase;
}

/**
 * An open object: answers reads from the bytes that came with the first answer, from a copy if there is one, and else
 * by requests for ranges.
 */
export class HttpReader implements Source {
  readonly identity: SourceIdentity;
  readonly sizeBytes: number;
  readonly #options: HttpReaderOptions;
  readonly #endConnections: () => void;
  readonly #head: Uint8Array;
  readonly #ranges: { object: HttpObject; reader: RangeReader; pattern: ReadPattern } | undefined;
  #copy: Copy | undefined;
  #mayCopy = true;
  #disposing: Promise<void> | undefined;

  constructor(answer: FirstAnswer, options: HttpReaderOptions, endConnections: () => void) {
    this.#options = options;
    this.#endConnections = endConnections;
    this.sizeBytes = sizeOf(answer);
    if (answer.how === 'copy') {
      const { spool } = answer;
      this.identity = answer.identity;
      this.#head = new Uint8Array(0);
      this.#copy = { read: (target, offset) => spool.read(target, offset), close: () => spool.close() };
      return;
    }
    const { object } = answer;
    this.identity = object.identity;
    this.#head = answer.head;
    this.#ranges = {
      object,
      reader: new RangeReader({ ...options, object }),
      pattern: new ReadPattern(object.sizeBytes),
    };
    if (answer.kept !== undefined) this.#beginCopy(object, answer.kept);
  }

  get finalUrl(): string {
    return describeUri(this.#options.location.current);
  }

  get fileName(): string {
    return this.identity.url.slice(this.identity.url.lastIndexOf('/') + 1);
  }

  async read(offset: number, length: number, options: ByteReadOptions = {}): Promise<Uint8Array> {
    checkRange(this.sizeBytes, offset, length);
    options.signal?.throwIfAborted();
    this.#options.closed.throwIfAborted();
    // Shared, so that threads can take it over without a copy.
    const target = options.into ?? new Uint8Array(new SharedArrayBuffer(length));
    if (offset + length <= this.#head.length) {
      target.set(this.#head.subarray(offset, offset + length));
    } else if (length > 0) {
      await this.#fill(target, offset, options.signal);
    }
    return target;
  }

  async digest(algorithm: DigestAlgorithm, { signal }: ReadOptions = {}): Promise<string> {
    if (this.#copy === undefined && this.#ranges !== undefined) this.#beginCopy(this.#ranges.object, undefined);
    const copy = this.#copy;
    const ends = signal === undefined ? this.#options.closed : AbortSignal.any([this.#options.closed, signal]);
    return await hashInOrder(algorithm, this.sizeBytes, async (target, offset) => {
      await unlessAborted(copy?.read(target, offset) ?? Promise.resolve(), ends);
    });
  }

  async discardSpool(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await removeSpool(this.#options.spoolPath);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    this.#endConnections();
    await this.#copy?.close();
  }

  async #fill(target: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#copy !== undefined && (await this.#fillFromCopy(this.#copy, target, offset, signal))) return;
    // Without ranges there is always a copy, and it either filled the target or threw.
    if (this.#ranges === undefined) throw new Error('a source has neither ranges nor a copy');
    const { object, reader, pattern } = this.#ranges;
    await reader.fill(target, offset, signal);
    pattern.record(target.length);
    if (pattern.wantsCopy && this.#mayCopy && this.#copy === undefined) this.#beginCopy(object, undefined);
  }

  /** Whether the copy could give the bytes. A copy that fails for want of room was only a help: ranges still work. */
  async #fillFromCopy(
    copy: Copy,
    target: Uint8Array,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { closed } = this.#options;
    try {
      await unlessAborted(copy.read(target, offset), signal === undefined ? closed : AbortSignal.any([closed, signal]));
      return true;
    } catch (error) {
      const local = error instanceof SourceFailed && (error.kind === 'no-space' || error.kind === 'spool-failed');
      if (!local || this.#ranges === undefined) throw error;
      await this.#giveUpCopy(copy);
      return false;
    }
  }

  #beginCopy(object: HttpObject, kept: SpoolRecord | undefined): void {
    const { onPhase } = this.#options;
    onPhase('spooling', object.sizeBytes);
    this.#copy = startCopy({ ...this.#options, object, kept, onComplete: () => onPhase('reading', object.sizeBytes) });
  }

  async #giveUpCopy(copy: Copy): Promise<void> {
    if (this.#copy !== copy) return;
    this.#copy = undefined;
    this.#mayCopy = false;
    this.#options.onPhase('reading', this.sizeBytes);
    await copy.close();
    await removeSpool(this.#options.spoolPath);
  }
}
