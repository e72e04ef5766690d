import { type FileHandle, open } from 'node:fs/promises';

interface OpenFile {
  readonly path: string;
  readonly opening: Promise<FileHandle>;
  users: number;
  /** Close it when the last user is gone. */
  forgotten: boolean;
}

/** A file in use; dispose it when done. */
export interface UsedFile extends AsyncDisposable {
  readonly handle: FileHandle;
}

/** Files open for reading, the least recently used closed first; opening one for every read would cost more than the read. */
export class OpenFiles implements AsyncDisposable {
  readonly #limit: number;
  readonly #files = new Map<string, OpenFile>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  async use(path: string): Promise<UsedFile> {
    const file = this.#files.get(path) ?? { path, opening: open(path, 'r'), users: 0, forgotten: false };
    this.#files.delete(path);
    this.#files.set(path, file); // last in the map: most recently used
    file.users += 1;
    try {
      const handle = await file.opening;
      await this.#closeOldest();
      return { handle, [Symbol.asyncDispose]: () => this.#release(file) };
    } catch (error) {
      if (this.#files.get(path) === file) this.#files.delete(path);
      throw error;
    }
  }

  /** Closes the file as soon as nobody reads it. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    file.forgotten = true;
    if (file.users === 0) await (await file.opening).close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of [...this.#files.keys()]) await this.forget(path);
  }

  async #release(file: OpenFile): Promise<void> {
    file.users -= 1;
    if (file.users === 0 && file.forgotten) await (await file.opening).close();
  }

  async #closeOldest(): Promise<void> {
    for (const file of this.#files.values()) {
      if (this.#files.size <= this.#limit) return;
      if (file.users === 0) await this.forget(file.path);
    }
  }
}
