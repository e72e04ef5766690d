import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sharePostgres } from '../../test/fixtures/databases.ts';
import { postgresMissing } from '../../test/fixtures/postgres.ts';
import { checkToken } from '../access/token.ts';
import { describeDataDirectory, makeDataDirectory } from './data-directory.ts';
import type { OwnedStore } from './installation-id.ts';
import { openInstallation } from './open-installation.ts';

/** Processes with a data directory each, on one database and one store. */
describe('several processes of one installation', { skip: postgresMissing }, () => {
  const { create } = sharePostgres();

  async function begin() {
    const stack = new AsyncDisposableStack();
    const database = stack.use(await create());
    const parent = stack.adopt(await mkdtempDisposable(join(tmpdir(), 'obraz-shared-')), (made) => made.remove());
    const store = keepId();
    const start = async (name: string) => {
      const directory = describeDataDirectory(join(parent.path, name));
      await makeDataDirectory(directory);
      await using db = await database.open();
      const common = { directory, db, ownedStore: store, listenHosts: ['127.0.0.1'], tlsNames: [], now: new Date() };
      return { directory, ...(await openInstallation(common)) };
    };
    const openDatabase = () => database.open();
    return { start, openDatabase, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test('that begin at the same moment agree on every secret', async () => {
    await using all = await begin();
    const [first, second, third] = await Promise.all([all.start('a'), all.start('b'), all.start('c')]);
    for (const other of [second, third]) {
      for (const of of [
        first.directory.credentials.adminKey,
        first.directory.credentials.tokenKey,
        first.tls.authorityPath,
      ]) {
        const theirs = of.replace(first.directory.root, other.directory.root);
        assert.equal(await readFile(theirs, 'utf8'), await readFile(of, 'utf8'), theirs);
      }
      const token = (await readFile(other.directory.credentials.adminToken, 'utf8')).trim();
      assert.equal(checkToken(first.tokenKey, token, new Date()).state, 'valid');
      assert.equal(other.adminKeyId, first.adminKeyId);
    }
    await using db = await all.openDatabase();
    const keys = await db.read.selectFrom('service_account_keys').select('id').execute();
    assert.deepEqual(keys, [{ id: first.adminKeyId }], 'no key is known that nobody uses');
  });

  test('keep them when a directory is lost, and when it brings others', async () => {
    await using all = await begin();
    const first = await all.start('a');
    await rm(first.directory.root, { recursive: true });
    const again = await all.start('a');
    assert.equal(again.adminKeyId, first.adminKeyId);
    await rm(again.directory.credentials.tokenKey);
    await rm(again.directory.tls, { recursive: true });
    const third = await all.start('a');
    const token = (await readFile(third.directory.credentials.adminToken, 'utf8')).trim();
    assert.equal(checkToken(first.tokenKey, token, new Date()).state, 'valid');
    assert.equal(await readFile(third.tls.authorityPath, 'utf8').then((pem) => pem.length > 0), true);
  });
});

function keepId(kept?: string): OwnedStore {
  return {
    description: 'a bucket',
    place: 's3://bucket/',
    async read() {
      return kept;
    },
    async write(id) {
      kept = id;
    },
  };
}
