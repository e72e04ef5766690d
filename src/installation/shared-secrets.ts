import type { Database } from '../db/database.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import type { DataDirectory } from './data-directory.ts';
import { authorityPaths } from './tls.ts';

/** A secret, and the file that a data directory has it in. */
interface SecretFile {
  readonly name: string;
  readonly path: string;
  readonly mode: number;
}

/**
 * The secrets that the processes of one installation have to agree on, each of which has a data directory of its own: the
 * key that tokens are signed with, the administrator's key, and the authority that server certificates are issued by. The
 * database has them, and the files of every directory are copies. Whoever may read that table may act as anybody; whoever
 * may write to the database could, too, without it.
 *
 * Nobody makes them first by agreement: every process makes what is missing, and the first one to publish decides.
 */
export class SharedSecrets {
  readonly #db: Database;
  readonly #files: readonly SecretFile[];

  constructor(db: Database, { tls, credentials }: Pick<DataDirectory, 'tls' | 'credentials'>) {
    const authority = authorityPaths(tls);
    this.#db = db;
    // A key before its certificate, as tls.ts writes them.
    this.#files = [
      { name: 'token-key', path: credentials.tokenKey, mode: 0o600 },
      { name: 'admin-key', path: credentials.adminKey, mode: 0o600 },
      { name: 'authority-key', path: authority.privateKey, mode: 0o600 },
      { name: 'authority', path: authority.certificate, mode: 0o644 },
    ];
  }

  /** Puts what is published into the files, in place of anything else that they have. */
  async fetch(): Promise<void> {
    const published = await this.#published();
    for (const { name, path, mode } of this.#files) {
      const value = published.get(name);
      if (value === undefined || value === (await readFileIfThere(path))) continue;
      await writeFileDurably(path, value, mode);
    }
  }

  /**
   * Publishes what the files have, all of it at once, unless there is something already. Says whether the files are what is
   * published now; otherwise they are to be fetched, and what was made from them is to be made again.
   */
  async publish(): Promise<boolean> {
    const mine = new Map<string, string>();
    for (const { name, path } of this.#files) {
      const value = await readFileIfThere(path);
      // An administrator may keep the authority's key elsewhere.
      if (value !== undefined) mine.set(name, value);
    }
    await this.#db.transact(async (tx) => {
      const isPublished = await tx.selectFrom('shared_secrets').select('name').limit(1).executeTakeFirst();
      if (isPublished !== undefined) return;
      const rows = [...mine].map(([name, value]) => ({ name, value }));
      await tx.insertInto('shared_secrets').values(rows).execute();
    });
    const published = await this.#published();
    return [...published].every(([name, value]) => mine.get(name) === value);
  }

  async #published(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db.read.selectFrom('shared_secrets').selectAll().execute();
    return new Map(rows.map(({ name, value }) => [name, value]));
  }
}
