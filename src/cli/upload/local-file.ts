import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { CliFailed } from '../cli-failed.ts';

/** Enough that a read does not count, little enough to be held a few times. */
const pieceBytes = 1024 * 1024;

/** The user's file, open for reading. It is read as it was when it was opened: one that changes meanwhile is refused. */
export class LocalFile implements AsyncDisposable {
  /** As the user gave it. */
  readonly given: string;
  /** Absolute, with symlinks resolved. */
  readonly path: string;
  readonly lengthBytes: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly #handle: FileHandle;

  private constructor(
    names: { readonly given: string; readonly path: string },
    stats: { readonly size: number; readonly mtimeMs: number },
    handle: FileHandle,
  ) {
    this.given = names.given;
    this.path = names.path;
    this.lengthBytes = stats.size;
    this.modifiedMs = stats.mtimeMs;
    this.#handle = handle;
  }

  /** @throws CliFailed when it is not there, may not be read, is no regular file, or is empty */
  static async open(given: string): Promise<LocalFile> {
    // Without waiting: a named pipe that nobody writes to would keep us here.
    const handle = await open(given, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
      throw new CliFailed(`cannot read ${given}: ${explain(cause)}.`, { cause });
    });
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new CliFailed(`${given} is no regular file.`);
      if (stats.size === 0) throw new CliFailed(`${given} is empty.`);
      return new LocalFile({ given, path: await realpath(given) }, stats, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The bytes from `offset` on, `length` of them. `onRead` is told of each piece before it is given out. */
  async *read(offset: number, length: number, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const piece = new Uint8Array(Math.min(pieceBytes, end - at));
      const { bytesRead } = await this.#handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw this.#changed();
      at += bytesRead;
      onRead(bytesRead);
      yield piece.subarray(0, bytesRead);
    }
  }

  /** @throws CliFailed when the file was written to since it was opened */
  async checkUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.#handle.stat();
    if (size !== this.lengthBytes || mtimeMs !== this.modifiedMs) throw this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #changed(): FileChanged {
    return new FileChanged(this.given);
  }
}

/** Bytes of two versions of the file may have been sent. */
export class FileChanged extends CliFailed {
  constructor(given: string) {
    super(`${given} was written to while it was uploaded. Run the command again when nothing writes to it.`);
    this.name = 'FileChanged';
  }
}

function explain(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES') return 'permission denied';
  return cause instanceof Error ? cause.message : String(cause);
}
