import { type FileHandle, open } from 'node:fs/promises';

interface OpenHandle {
  readonly opening: Promise<FileHandle>;
  users: number;
}

/** A file in use; dispose it when done. */
export interface UsedHandle extends AsyncDisposable {
  readonly handle: FileHandle;
}

/** The open files of an overlay: the one unused for longest is closed when there are too many, and opened again. */
export class OpenHandles implements AsyncDisposable {
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #handles = new Map<string, OpenHandle>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes over a handle that was just opened, and does not close it before `release`. */
  hold(path: string, handle: FileHandle): void {
    this.#handles.set(path, { opening: Promise.resolve(handle), users: 1 });
  }

  release(path: string): void {
    const open = this.#handles.get(path);
    if (open !== undefined) open.users -= 1;
  }

  async use(path: string): Promise<UsedHandle> {
    const open = this.#handles.get(path) ?? { opening: openAgain(path), users: 0 };
    open.users += 1;
    this.#handles.delete(path);
    this.#handles.set(path, open);
    try {
      if (this.#handles.size > this.#limit) await this.#closeUnused();
      const handle = await open.opening;
      return {
        handle,
        async [Symbol.asyncDispose]() {
          open.users -= 1;
        },
      };
    } catch (error) {
      open.users -= 1;
      if (this.#handles.get(path) === open) this.#handles.delete(path);
      throw error;
    }
  }

  /** Closes a file that nobody uses. */
  async close(path: string): Promise<void> {
    const open = this.#handles.get(path);
    this.#handles.delete(path);
    await (await open?.opening)?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#handles.keys()].map((path) => this.close(path)));
  }

  async #closeUnused(): Promise<void> {
    for (const [path, { users }] of this.#handles) {
      if (this.#handles.size <= this.#limit) return;
      if (users === 0) await this.close(path);
    }
  }
}

/** For reading and writing: a file is sealed only long after it was written. */
function openAgain(path: string): Promise<FileHandle> {
  return open(path, 'r+');
}
