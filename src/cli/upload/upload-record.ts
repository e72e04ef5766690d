import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfThere } from '../../lib/read-file-if-there.ts';
import { writeFileDurably } from '../../lib/write-file-durably.ts';
import type { LocalFile } from './local-file.ts';

/**
 * What is remembered of an upload between runs: a small file for each folder and path, so that the same command goes on
 * with the same upload. Folder ids are unique among servers.
 */
export interface UploadRecord {
  readonly uploadId: string;
  readonly folderId: string;
  readonly path: string;
  /** The file as it was: another length or time is another file. */
  readonly lengthBytes: number;
  readonly modifiedMs: number;
}

/** Remembers uploads in a directory of the user's, which is made when it is needed. */
export class UploadRecords {
  readonly #directory: string;

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'uploads');
  }

  /** What is remembered of this path, also when the file has changed since. */
  async read(folderId: string, file: LocalFile): Promise<UploadRecord | undefined> {
    return parseRecord(await readFileIfThere(this.#path(folderId, file)));
  }

  async write(record: UploadRecord, file: LocalFile): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#path(record.folderId, file), `${JSON.stringify(record)}\n`, 0o600);
  }

  async remove(folderId: string, file: LocalFile): Promise<void> {
    await rm(this.#path(folderId, file), { force: true });
  }

  #path(folderId: string, { path }: LocalFile): string {
    const name = createHash('sha256')
      .update(JSON.stringify([folderId, path]))
      .digest('hex')
      .slice(0, 32);
    return join(this.#directory, `${name}.json`);
  }
}

/** Undefined also for what is damaged: then the upload begins anew. */
function parseRecord(text: string | undefined): UploadRecord | undefined {
  if (text === undefined) return undefined;
  let value: Partial<Record<keyof UploadRecord, unknown>>;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { uploadId, folderId, path, lengthBytes, modifiedMs } = value;
  const isRecord =
    typeof uploadId === 'string' &&
    /^[a-z0-9]+$/.test(uploadId) &&
    typeof folderId === 'string' &&
    typeof path === 'string' &&
    typeof lengthBytes === 'number' &&
    typeof modifiedMs === 'number';
  return isRecord ? { uploadId, folderId, path, lengthBytes, modifiedMs } : undefined;
}
