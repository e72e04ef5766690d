import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreLog } from '../volumes/store.ts';
import { createKeptTables, PoolFile, PoolFileDamaged } from './pool-file.ts';
import type { PooledVolume } from './pooled-volume.ts';
import { QuickReads } from './quick-reads.ts';

const suffix = '.raw';

/** The pool's files, each named after its volume. */
export class PoolFolder {
  readonly #directory: string;
  readonly #log: StoreLog;
  readonly #tables = createKeptTables();
  readonly #quick = new QuickReads();

  constructor(directory: string, log: StoreLog) {
    this.#directory = directory;
    this.#log = log;
  }

  pathOf(volumeId: string): string {
    return join(this.#directory, `${volumeId}${suffix}`);
  }

  /** Opens the volume's file. Throws PoolFileDamaged unless it is whole and has this volume's content. */
  open(volume: PooledVolume): PoolFile {
    const path = this.pathOf(volume.volumeId);
    const file = PoolFile.open({ path, tables: this.#tables, quick: this.#quick });
    if (file.facts.contentId === volume.contentId && file.facts.sizeBytes === volume.sizeBytes) return file;
    file.close();
    throw new PoolFileDamaged(path, 'it is of another volume');
  }

  /** Opens what an earlier process has left whole and is wanted still, and removes the rest. */
  async *adopt(find: (volumeId: string) => PooledVolume | undefined): AsyncIterable<AdoptedFile> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const volume = name.endsWith(suffix) ? find(name.slice(0, -suffix.length)) : undefined;
      if (volume === undefined) {
        await rm(path, { recursive: true, force: true });
        continue;
      }
      try {
        const { mtimeMs: lastUsedAt } = await stat(path);
        yield { volumeId: volume.volumeId, file: this.open(volume), lastUsedAt };
      } catch (error) {
        this.#log.warn({ err: error, path }, 'a file of the pool cannot be used, and is written anew');
        await rm(path, { force: true });
      }
    }
  }
}

export interface AdoptedFile {
  readonly volumeId: string;
  readonly file: PoolFile;
  /** As far as an earlier process has noted it; else when the file was written. Milliseconds since 1970. */
  readonly lastUsedAt: number;
}
