import { type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readFully } from './file-source.ts';
import { SourceFailed } from './source-failed.ts';
import { isVerifiable, type SourceIdentity } from './source-identity.ts';
import { removeSpool, type SpoolRecord, writeSpoolRecord } from './spool-record.ts';

const MIB = 1024 * 1024;

/** Chunks off the wire are about 64 KiB; they are written together. */
const WRITE_BYTES = MIB;
/** So much may wait for the disk before the network is held back. */
const WAITING_BYTES = 4 * MIB;
/** A record is due after so many bytes or so long, whichever comes first: what a restart may have to fetch again. */
const RECORD_BYTES = 64 * MIB;
const RECORD_MS = 5_000;
/** How often, in bytes, the free space is looked at. */
const SPACE_CHECK_BYTES = 64 * MIB;

export interface SpoolOptions {
  readonly path: string;
  /** What is spooled. */
  readonly identity: SourceIdentity;
  /** The record of what an earlier run left, when that is to be continued; without it the copy is begun anew. */
  readonly kept?: SpoolRecord | undefined;
  readonly maxBytes: number;
  readonly minFreeBytes: number;
}

/**
 * A local copy of a source, filled from its beginning. What was appended and flushed can be read at once; `appended`
 * bytes count from the file's first byte, those of an earlier run included.
 *
 * Failures are SourceFailed `no-space`, `too-big` or `spool-failed`, or what `fail` was given, and after one the file
 * takes nothing more.
 */
export class SpoolFile {
  readonly #options: SpoolOptions;
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #flushedBytes: number;
  #complete: boolean;
  #flushing: Promise<void> | undefined;
  #recording: Promise<void> | undefined;
  #recordedBytes: number;
  #recordedAt = performance.now();
  #nextSpaceCheck = 0;
  #advance = Promise.withResolvers<void>();
  #failure: Error | undefined;

  private constructor(options: SpoolOptions, handle: FileHandle, kept: SpoolRecord | undefined) {
    this.#options = options;
    this.#handle = handle;
    this.#flushedBytes = kept?.durableBytes ?? 0;
    this.#recordedBytes = this.#flushedBytes;
    this.#complete = kept?.complete ?? false;
  }

  /** Opens the spool. Whoever opened it closes it. */
  static async open(options: SpoolOptions): Promise<SpoolFile> {
    try {
      const { kept } = options;
      if (kept === undefined) await removeSpool(options.path);
      const handle = await open(options.path, kept === undefined ? 'wx+' : 'r+', 0o600);
      const spool = new SpoolFile(options, handle, kept);
      try {
        await handle.truncate(kept?.durableBytes ?? 0);
        await spool.#checkSpace((options.identity.sizeBytes ?? 0) - spool.#flushedBytes);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return spool;
    } catch (error) {
      throw spoolFailure(options.identity.url, error);
    }
  }

  /** Bytes there are, from the file's beginning, whether on disk yet or not. */
  get appendedBytes(): number {
    return this.#flushedBytes + this.#waitingBytes;
  }

  /** Whether the whole object is here. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Takes the next bytes; a promise asks to wait before the next ones. Throws the failure of an earlier write. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.#throwFailure();
    if (this.appendedBytes + chunk.length > this.#options.maxBytes) {
      throw this.#fail(tooBig(this.#options));
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < WRITE_BYTES) return undefined;
    const flushed = this.#flush();
    if (this.#waitingBytes > WAITING_BYTES) return flushed;
    // Nobody waits for this write; its failure is kept and thrown at the next call.
    flushed.catch(() => {});
    return undefined;
  }

  /**
   * The last byte was appended: everything can be read. Making it durable goes on behind, except for an object that has
   * no validators: only its copy can stand for it later, so the copy is made safe first.
   */
  async finish(): Promise<void> {
    while (this.#waitingBytes > 0 || this.#flushing !== undefined) await this.#flush();
    this.#throwFailure();
    this.#complete = true;
    this.#advance.resolve();
    this.#record();
    if (isVerifiable(this.#options.identity)) return;
    await this.#recording;
    this.#throwFailure();
  }

  /** Waits until `end` bytes can be read; the filler's failure reaches waiters through `fail`. */
  async reach(end: number): Promise<void> {
    while (this.#flushedBytes < end && !this.#complete) {
      this.#throwFailure();
      if (this.appendedBytes >= end) await this.#flush();
      else await this.#advance.promise;
    }
  }

  /** Fills `target` from `offset`; the range must have been reached. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    try {
      await readFully(this.#handle, this.#options.path, target, offset);
    } catch (error) {
      throw spoolFailure(this.#options.identity.url, error);
    }
  }

  /** Nothing more will come: ends the waits of `reach`, now and later, with this failure. */
  fail(failure: Error): void {
    this.#fail(failure);
  }

  /** Closes the file and leaves it for a later run, with a true record of what it holds. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      await this.#flush().catch(() => {});
      await this.#recording;
      if (this.#flushedBytes > this.#recordedBytes) this.#record();
    }
    await this.#settled();
    await this.#handle.close();
  }

  async #settled(): Promise<void> {
    await this.#flushing?.catch(() => {});
    await this.#recording;
  }

  /** Writes what waits; one write at a time, so that the file grows in order. */
  #flush(): Promise<void> {
    if (this.#flushing !== undefined) return this.#flushing;
    this.#flushing = this.#writeWaiting().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #writeWaiting(): Promise<void> {
    // What a failed write took can't be written by another: whoever waits for it is told, and does not ask for ever.
    this.#throwFailure();
    const bytes = this.#waiting.length === 1 && this.#waiting[0] ? this.#waiting[0] : Buffer.concat(this.#waiting);
    this.#waiting = [];
    try {
      if (this.#flushedBytes >= this.#nextSpaceCheck) {
        this.#nextSpaceCheck = this.#flushedBytes + SPACE_CHECK_BYTES;
        await this.#checkSpace(bytes.length);
      }
      for (let written = 0; written < bytes.length; ) {
        const wrote = await this.#handle.write(bytes, written, bytes.length - written, this.#flushedBytes + written);
        written += wrote.bytesWritten;
      }
    } catch (error) {
      throw this.#fail(spoolFailure(this.#options.identity.url, error));
    }
    this.#waitingBytes -= bytes.length;
    this.#flushedBytes += bytes.length;
    this.#advance.resolve();
    this.#advance = Promise.withResolvers();
    const due = performance.now() - this.#recordedAt > RECORD_MS;
    if (due || this.#flushedBytes - this.#recordedBytes >= RECORD_BYTES) this.#record();
  }

  /** Syncs the file and writes its record, beside the writing; a part that no later run could continue has none. */
  #record(): void {
    if (this.#recording !== undefined || !(this.#complete || isVerifiable(this.#options.identity))) return;
    const durableBytes = this.#flushedBytes;
    const complete = this.#complete;
    const identity = complete ? { ...this.#options.identity, sizeBytes: durableBytes } : this.#options.identity;
    this.#recordedAt = performance.now();
    this.#recording = (async () => {
      try {
        await this.#handle.datasync();
        await writeSpoolRecord(this.#options.path, { identity, durableBytes, complete });
        this.#recordedBytes = durableBytes;
      } catch (error) {
        this.#fail(spoolFailure(identity.url, error));
      }
      this.#recording = undefined;
      if (this.#complete && !complete) this.#record();
    })();
  }

  async #checkSpace(neededBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.#options.path));
    const freeBytes = bavail * bsize;
    if (freeBytes - Math.max(0, neededBytes) < this.#options.minFreeBytes) {
      throw noSpace(this.#options.identity.url, `${freeBytes} bytes are free there.`);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(failure: Error): Error {
    this.#failure ??= failure;
    this.#advance.resolve();
    return this.#failure;
  }
}

function tooBig(options: SpoolOptions): SourceFailed {
  const reason = `The file at the source is longer than ${options.maxBytes} bytes, the most that is read.`;
  return new SourceFailed({ kind: 'too-big', url: options.identity.url, reason });
}

function noSpace(url: string, detail: string, cause?: unknown): SourceFailed {
  return new SourceFailed({
    kind: 'no-space',
    url,
    reason: `The service has no room for a copy of the file at the source: ${detail}`,
    remedy: 'Free space in its data directory, or give an address whose server supports ranges.',
    cause,
  });
}

function spoolFailure(url: string, error: unknown): SourceFailed {
  if (error instanceof SourceFailed) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(url, `the disk is full (${code}).`, error);
  const reason = `The service could not keep its copy of the file at the source (${code}).`;
  return new SourceFailed({ kind: 'spool-failed', url, reason, cause: error });
}
