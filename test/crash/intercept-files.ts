import fs, { type PathLike } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** A call of `node:fs/promises` that changes something, or that makes a change durable. */
export interface FileCall {
  readonly operation: 'create' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'make folder' | 'sync folder';
  readonly path: string;
  /** The new name of a rename. */
  readonly to?: string;
}

export type AroundFileCall = <T>(call: FileCall, run: () => Promise<T>) => Promise<T>;

/**
 * Puts `around` about every such call of this process, from the outside: the functions that Node's own module exports
 * are replaced, for modules that have imported them already, too. Returns a function that undoes it.
 */
export function interceptFiles(around: AroundFileCall): () => void {
  const paths = new WeakMap<FileHandle, { path: string; isFolder: boolean }>();
  const { open, rename, rm, mkdir } = fs.promises;

  fs.promises.open = async (path: PathLike, flags, mode) => {
    const creates = typeof flags === 'string' && /[wa]/.test(flags);
    let opened: FileHandle | undefined;
    const opening = async () => {
      opened = await open(path, flags, mode);
      return opened;
    };
    let handle: FileHandle;
    try {
      handle = await (creates ? around({ operation: 'create', path: String(path) }, opening) : opening());
    } catch (error) {
      await opened?.close(); // it was opened, but whoever asked is told that it was not
      throw error;
    }
    paths.set(handle, { path: String(path), isFolder: !creates && fs.statSync(path).isDirectory() });
    interceptHandle(handle);
    return handle;
  };
  fs.promises.rename = (from, to) =>
    around({ operation: 'rename', path: String(from), to: String(to) }, () => rename(from, to));
  fs.promises.rm = (path, options) => around({ operation: 'remove', path: String(path) }, () => rm(path, options));
  // The overloads of mkdir are one function; the cast restores what spreading them loses.
  fs.promises.mkdir = ((path: PathLike, options?: fs.MakeDirectoryOptions) =>
    around({ operation: 'make folder', path: String(path) }, () => mkdir(path, options))) as typeof mkdir;
  syncBuiltinESMExports();

  let prototype: FileHandle | undefined;
  const original: Partial<Record<keyof FileHandle, unknown>> = {};
  function interceptHandle(handle: FileHandle): void {
    if (prototype !== undefined) return;
    prototype = Object.getPrototypeOf(handle) as FileHandle; // the class is not exported
    const calls = {
      write: 'write',
      writev: 'write',
      writeFile: 'write',
      truncate: 'truncate',
      sync: 'sync',
      datasync: 'sync',
    } as const;
    for (const [name, operation] of Object.entries(calls)) {
      const method = Reflect.get(prototype, name) as (...given: unknown[]) => Promise<unknown>;
      original[name as keyof FileHandle] = method;
      Reflect.set(prototype, name, function (this: FileHandle, ...given: unknown[]) {
        const opened = paths.get(this);
        const run = () => method.apply(this, given);
        if (opened === undefined) return run();
        const { path, isFolder } = opened;
        return around({ operation: isFolder ? 'sync folder' : operation, path }, run);
      });
    }
  }

  return () => {
    Object.assign(fs.promises, { open, rename, rm, mkdir });
    if (prototype !== undefined) Object.assign(prototype, original);
    syncBuiltinESMExports();
  };
}
