import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { InjectedFault } from './faults.ts';
import { type FileCall, interceptFiles } from './intercept-files.ts';
import type { Random } from './random.ts';

/** The process is dead: nothing that is called from now on is done. */
export class Dead extends Error {
  constructor() {
    super('the process is dead');
    this.name = 'Dead';
  }
}

/**
 * What happens at a call: the process dies before it, or after it and before anybody hears of it, or the call fails. It
 * dies by itself (`kill`: what was written and not synced stays in the cache, and may be lost later) or with the power.
 */
export interface FileFault {
  /** Which call, from 1, of those that change something or sync it. */
  readonly call: number;
  readonly does: 'kill before' | 'kill after' | 'cut before' | 'cut after' | 'EIO' | 'ENOSPC';
}

/** A change of names that no fsync of a folder has made durable yet. */
interface NameChange {
  readonly folders: readonly string[];
  apply(names: Map<string, string>): void;
}

const sectorBytes = 512;

/**
 * The files under a folder as a disk with a volatile cache keeps them. While it runs they are ordinary files. At a power
 * cut only this is left: file contents as of their last fsync, and of what was written since any choice of sectors; names as
 * of the last fsync of their folder, and of the changes since any choice. A file in a folder that is itself lost is lost.
 *
 * It is about this process and one folder at a time. Dispose it to give Node its functions back.
 */
export class VolatileFiles implements Disposable {
  readonly #root: string;
  readonly #shadow: string;
  readonly #random: Random;
  readonly #restore: () => void;
  /** Per inode: a second name of the file, that keeps it when its first is removed, and its durable content. */
  readonly #files = new Map<string, { ino: number; durable: Buffer }>();
  readonly #idOfInode = new Map<number, string>();
  /** Durable names: path to file id, or to '' for a folder. */
  readonly #names = new Map<string, string>();
  #pending: NameChange[] = [];
  #fault: FileFault | undefined;
  #calls = 0;
  #isDead = false;
  #isCut = false;

  /** What is under `root` now is durable. `shadow` is a folder for own use on the same file system. */
  constructor(options: { readonly root: string; readonly shadow: string; readonly random: Random }) {
    this.#root = options.root;
    this.#shadow = options.shadow;
    this.#random = options.random;
    this.#adopt();
    this.#restore = interceptFiles((call, run) => this.#around(call, run));
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether the power was what it died of. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Calls since the fault was set. */
  get calls(): number {
    return this.#calls;
  }

  setFault(fault: FileFault | undefined): void {
    this.#fault = fault;
    this.#calls = 0;
  }

  /** A new process; after a power cut, with what survived on the disk. Nobody may have a call under way. */
  restart(): void {
    if (this.#isCut) {
      this.#keepSurvivors();
      this.#adopt();
    }
    this.#isDead = false;
    this.#isCut = false;
    this.#fault = undefined;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }

  async #around<T>(call: FileCall, run: () => Promise<T>): Promise<T> {
    if (relative(this.#root, call.path).startsWith('..')) return run();
    if (this.#isDead) throw new Dead();
    this.#calls += 1;
    const does = this.#calls === this.#fault?.call ? this.#fault.does : undefined;
    if (does === 'EIO' || does === 'ENOSPC') throw new InjectedFault(does, call.operation);
    if (does === 'cut before' || does === 'kill before') this.#die(does);
    const removed = call.operation === 'remove' ? this.#idAt(call.path) : undefined;
    const existed = call.operation === 'make folder' && fs.existsSync(call.path);
    const result = await run();
    // When the power went first it was not done, whatever it did to the file.
    if (!existed && !this.#isCut) this.#note(call, removed);
    // And when the process went first, nobody hears of it.
    if (this.#isDead) throw new Dead();
    if (does !== undefined) this.#die(does);
    return result;
  }

  #die(does: FileFault['does']): never {
    this.#isDead = true;
    this.#isCut = does.startsWith('cut');
    throw new Dead();
  }

  #note({ operation, path, to }: FileCall, removed: string | undefined): void {
    switch (operation) {
      case 'create': {
        const id = this.#track(path, Buffer.alloc(0));
        this.#change([dirname(path)], (names) => names.set(path, id));
        break;
      }
      case 'make folder': {
        this.#change([dirname(path)], (names) => names.set(path, ''));
        break;
      }
      case 'rename': {
        const id = this.#idAt(to ?? path) ?? '';
        this.#change([dirname(path), dirname(to ?? path)], (names) => {
          if (names.get(path) === id) names.delete(path);
          names.set(to ?? path, id);
        });
        break;
      }
      case 'remove':
        this.#change([dirname(path)], (names) => {
          if (removed !== undefined && names.get(path) === removed) names.delete(path);
        });
        break;
      case 'sync': {
        const file = this.#files.get(this.#idAt(path) ?? '');
        if (file !== undefined) file.durable = fs.readFileSync(path);
        break;
      }
      case 'sync folder': {
        const durable = this.#pending.filter(({ folders }) => folders.includes(path));
        for (const change of durable) change.apply(this.#names);
        this.#pending = this.#pending.filter((change) => !durable.includes(change));
        break;
      }
      case 'write':
      case 'truncate':
        break; // what was written is on the disk; what of it is durable is known by the copy of the last sync
    }
  }

  #change(folders: readonly string[], apply: NameChange['apply']): void {
    this.#pending.push({ folders, apply });
  }

  #track(path: string, durable: Buffer): string {
    const id = randomUUID();
    fs.mkdirSync(this.#shadow, { recursive: true });
    fs.linkSync(path, join(this.#shadow, id));
    const { ino } = fs.statSync(path);
    this.#files.set(id, { ino, durable });
    this.#idOfInode.set(ino, id);
    return id;
  }

  #idAt(path: string): string | undefined {
    const found = fs.statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : this.#idOfInode.get(found.ino);
  }

  #keepSurvivors(): void {
    const keepsNames = this.#random.pick([0, 0.5, 1]);
    for (const change of this.#pending) if (this.#random.chance(keepsNames)) change.apply(this.#names);
    const contents = new Map<string, Buffer>();
    for (const [path, id] of this.#names) {
      if (id !== '') contents.set(path, this.#survivingContent(id));
    }
    const folders = new Set([...this.#names].filter(([, id]) => id === '').map(([path]) => path));
    fs.rmSync(this.#root, { recursive: true });
    fs.mkdirSync(this.#root);
    const isReached = (folder: string): boolean =>
      folder === this.#root || (folders.has(folder) && isReached(dirname(folder)));
    for (const folder of folders) if (isReached(folder)) fs.mkdirSync(folder, { recursive: true });
    for (const [path, content] of contents) if (isReached(dirname(path))) fs.writeFileSync(path, content);
  }

  /** Each sector as it was last synced, or as it was last written. */
  #survivingContent(id: string): Buffer {
    const durable = this.#files.get(id)?.durable ?? Buffer.alloc(0);
    const current = fs.readFileSync(join(this.#shadow, id));
    if (current.equals(durable)) return durable;
    const keeps = this.#random.pick([0, 0.5, 0.95, 1]);
    const content = Buffer.alloc(Math.max(durable.length, current.length));
    durable.copy(content);
    let length = durable.length;
    for (let place = 0; place < current.length; place += sectorBytes) {
      if (!this.#random.chance(keeps)) continue;
      const end = Math.min(place + sectorBytes, current.length);
      current.copy(content, place, place, end);
      length = Math.max(length, end);
    }
    return content.subarray(0, length);
  }

  /** Everything that is there now is durable. */
  #adopt(): void {
    fs.rmSync(this.#shadow, { recursive: true, force: true });
    fs.mkdirSync(this.#root, { recursive: true });
    for (const map of [this.#files, this.#idOfInode, this.#names]) map.clear();
    this.#pending = [];
    for (const entry of fs.readdirSync(this.#root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      this.#names.set(path, entry.isDirectory() ? '' : this.#track(path, fs.readFileSync(path)));
    }
  }
}
