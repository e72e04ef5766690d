import assert from 'node:assert/strict';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startCheckpointer } from './checkpointer.ts';
import { SqliteConnection } from './sqlite-connection.ts';

test('what is committed comes into the file while the writer goes on, and no commit does it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-db-'));
  const path = join(directory.path, 'metadata.db');
  await using writer = await SqliteConnection.open({ path, readOnly: false });
  await writer.execute('create table texts (text text)');
  const add = () => writer.execute('insert into texts values (hex(randomblob(500000)))'); // 1 MB
  for (let count = 0; count < 8; count += 1) await add();
  assert.ok((await stat(path)).size < 1_000_000, 'it is in the log alone');

  await using checkpointer = startCheckpointer(path);
  checkpointer.wake();
  const patience = AbortSignal.timeout(20_000);
  while ((await stat(path)).size < 8_000_000) {
    patience.throwIfAborted();
    await add();
    await delay(20);
  }
});
