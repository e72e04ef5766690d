import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { DataDirectoryInUse, lockDataDirectory } from './data-lock.ts';

test('is held by one at a time', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-lock-'));
  const path = join(directory.path, 'lock.db');
  {
    using _held = lockDataDirectory(path);
    assert.throws(() => lockDataDirectory(path), DataDirectoryInUse);
  }
  using _again = lockDataDirectory(path);
});

test('is free as soon as its holder is killed', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'obraz-lock-'));
  const path = join(directory.path, 'lock.db');
  const program = `
    import { lockDataDirectory } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)};
    const lock = lockDataDirectory(${JSON.stringify(path)});
    process.stdout.write('held');
    process.stdin.resume();
    process.stdin.on('end', () => lock[Symbol.dispose]());
  `;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.throws(() => lockDataDirectory(path), DataDirectoryInUse);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  using _lock = lockDataDirectory(path);
});
