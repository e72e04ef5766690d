import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, writeFileDurably } from '../../lib/write-file-durably.ts';
import { CliFailed } from '../cli-failed.ts';
import { ByteRanges } from './byte-ranges.ts';
import type { ContentInfo } from './content-client.ts';

/**
 * A file that is being downloaded: `FILE.partial` with the bytes so far, and `FILE.partial.json` that says which of
 * them are there and of what. The second is written only after the first was synced, so it never claims too much.
 * What was not written yet is a hole.
 */
export class PartialFile implements AsyncDisposable {
  /** The bytes that are in the file. */
  readonly done: ByteRanges;
  readonly #target: string;
  readonly #content: ContentInfo;
  readonly #file: FileHandle;
  /** Whoever writes the record last owns the file: a second download of the same FILE is found out by this. */
  readonly #owner = randomUUID();
  #saving: Promise<void> = Promise.resolve();

  private constructor(target: string, content: ContentInfo, file: FileHandle, done: ByteRanges) {
    this.#target = target;
    this.#content = content;
    this.#file = file;
    this.done = done;
  }

  /** Opens what an earlier try left of the same content, or begins anew. */
  static async open(target: string, content: ContentInfo): Promise<PartialFile> {
    const done = await readRecord(target, content);
    const file = await open(partialPath(target), done === undefined ? 'w' : 'r+', 0o644);
    const partial = new PartialFile(target, content, file, done ?? new ByteRanges());
    try {
      await file.truncate(content.sizeBytes);
      await partial.#writeRecord();
    } catch (error) {
      await file.close();
      throw error;
    }
    return partial;
  }

  /** Writes all of `bytes` at `position`. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written, position + written);
      written += bytesWritten;
    }
    this.done.add(position, position + bytes.length);
  }

  /** Makes what was written so far survive: an interrupted download goes on from here. Calls queue up. */
  save(): Promise<void> {
    this.#saving = this.#saving.catch(() => {}).then(() => this.#save());
    return this.#saving;
  }

  /** Puts the whole file in its place, durably. */
  async finish(): Promise<void> {
    await this.save();
    await rename(partialPath(this.#target), this.#target);
    await rm(recordPath(this.#target), { force: true });
    await syncDirectory(dirname(this.#target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving.catch(() => {}); // whoever called save() was told
    await this.#file.close();
  }

  async #save(): Promise<void> {
    const done = this.#doneList(); // taken first: what is written during the sync is not covered by it
    const record = parseRecord(await readFile(recordPath(this.#target), 'utf8'));
    if (record?.owner !== this.#owner) {
      throw new CliFailed(`another download writes ${partialPath(this.#target)}, too: let one of them finish.`);
    }
    await this.#file.datasync();
    await this.#writeRecord(done);
  }

  async #writeRecord(done = this.#doneList()): Promise<void> {
    const record: PartialRecord = { ...this.#content, done, owner: this.#owner };
    await writeFileDurably(recordPath(this.#target), JSON.stringify(record), 0o644);
  }

  #doneList(): [number, number][] {
    return this.done.ranges.map(({ start, end }) => [start, end]);
  }
}

/** `FILE.partial.json`. */
interface PartialRecord extends ContentInfo {
  /** Ranges `[start, end)` that are in the file. */
  readonly done: readonly (readonly [number, number])[];
  readonly owner: string;
}

/** Where the bytes of an unfinished download of `target` are. */
export function partialPath(target: string): string {
  return `${target}.partial`;
}

function recordPath(target: string): string {
  return `${target}.partial.json`;
}

/** What is done already, or undefined when there is nothing to go on from. */
async function readRecord(target: string, content: ContentInfo): Promise<ByteRanges | undefined> {
  try {
    const record = parseRecord(await readFile(recordPath(target), 'utf8'));
    const { size } = await stat(partialPath(target));
    const fits = record?.etag === content.etag && record.sizeBytes === content.sizeBytes && size === content.sizeBytes;
    return fits ? new ByteRanges(record.done.map(([start, end]) => ({ start, end }))) : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseRecord(text: string): PartialRecord | undefined {
  let value: Partial<Record<keyof PartialRecord, unknown>>;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { etag, sizeBytes, done, owner } = value;
  const isRecord =
    typeof etag === 'string' && typeof sizeBytes === 'number' && typeof owner === 'string' && isRangeList(done);
  return isRecord ? { etag, sizeBytes, done, owner } : undefined;
}

function isRangeList(value: unknown): value is [number, number][] {
  return Array.isArray(value) && value.every((item) => Array.isArray(item) && item.every(Number.isSafeInteger));
}
