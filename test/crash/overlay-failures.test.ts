import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OverlayFailed } from '../../src/overlays/overlay-failed.ts';
import { blockBytes, numbered, overlayPlace, readAll } from '../fixtures/test-overlay.ts';
import { InjectedFault } from './faults.ts';
import { type FileCall, interceptFiles } from './intercept-files.ts';

/** Files of a process whose calls fail as long as somebody says so. */
function failingFiles(): Disposable & { fails: (call: FileCall) => string | undefined; readonly calls: FileCall[] } {
  const calls: FileCall[] = [];
  const restore = interceptFiles(async (call, run) => {
    calls.push(call);
    const code = files.fails(call);
    if (code !== undefined) throw new InjectedFault(code, call.operation);
    return run();
  });
  const files = { fails: (_call: FileCall): string | undefined => undefined, calls, [Symbol.dispose]: restore };
  return files;
}

const hasCode = (code: string) => (error: unknown) => error instanceof OverlayFailed && error.code === code;
const isSyncOfLog = ({ operation, path }: FileCall): boolean => operation === 'sync' && path.endsWith('.log');

test('after a failed fsync every change and flush is EIO, and fsync is not tried again', async () => {
  await using place = await overlayPlace(64 * blockBytes);
  using files = failingFiles();
  const overlay = await place.open();
  await overlay.writeAt(numbered(0, 4), 0, { durable: true });
  files.fails = (call) => (isSyncOfLog(call) ? 'EIO' : undefined);
  await overlay.writeAt(numbered(4, 4), 4 * blockBytes);
  const results = await Promise.allSettled([overlay.flush(), overlay.flush()]);
  for (const result of results) assert.ok(result.status === 'rejected' && hasCode('EIO')(result.reason));
  files.fails = () => undefined;
  files.calls.length = 0;
  await assert.rejects(overlay.flush(), hasCode('EIO'));
  await assert.rejects(overlay.writeAt(numbered(0, 1), 0), hasCode('EIO'));
  await assert.rejects(overlay.writeAt(numbered(0, 1), 0, { durable: true }), hasCode('EIO'));
  await assert.rejects(overlay.zeroAt(0, blockBytes), hasCode('EIO'));
  await assert.rejects(overlay.freeze(), hasCode('EIO'));
  assert.ok((await readAll(overlay, 0, 4 * blockBytes)).equals(numbered(0, 4)), 'reads go on');
  await assert.rejects(Promise.resolve(overlay[Symbol.asyncDispose]()), hasCode('EIO'));
  const isChange = ({ operation }: FileCall): boolean => operation === 'sync' || operation === 'write';
  assert.deepEqual(files.calls.filter(isChange), []);
  await using again = await place.open();
  assert.ok((await readAll(again, 0, 4 * blockBytes)).equals(numbered(0, 4)));
  await again.writeAt(numbered(0, 1), 0, { durable: true });
});

test('without room a change is ENOSPC, and nothing else is', async () => {
  await using place = await overlayPlace(256 * blockBytes);
  using files = failingFiles();
  const expected = Buffer.alloc(256 * blockBytes);
  {
    await using overlay = await place.open({ fileBytes: 32 * blockBytes });
    await overlay.writeAt(numbered(0, 8), 0);
    numbered(0, 8).copy(expected);
    files.fails = ({ operation }) => (operation === 'write' || operation === 'create' ? 'ENOSPC' : undefined);
    for (let round = 0; round < 3; round += 1) {
      await assert.rejects(overlay.writeAt(numbered(0, 20, 9), 0), hasCode('ENOSPC'));
      await assert.rejects(overlay.zeroAt(0, blockBytes), hasCode('ENOSPC'));
      await overlay.flush();
      assert.ok((await readAll(overlay)).equals(expected));
    }
    files.fails = () => undefined;
    // Over the borders of files, which could not be made meanwhile.
    await overlay.writeAt(numbered(8, 200), 8 * blockBytes, { durable: true });
    numbered(8, 200).copy(expected, 8 * blockBytes);
    assert.ok((await readAll(overlay)).equals(expected));
    files.fails = ({ operation }) => (operation === 'write' || operation === 'create' ? 'ENOSPC' : undefined);
  }
  // Closed without room for an index, and opened without room for one.
  {
    await using overlay = await place.open({ fileBytes: 32 * blockBytes });
    assert.ok((await readAll(overlay)).equals(expected));
    await assert.rejects(overlay.writeAt(numbered(0, 1, 9), 0), hasCode('ENOSPC'));
    files.fails = () => undefined;
    await overlay.writeAt(numbered(0, 1, 9), 0);
  }
  numbered(0, 1, 9).copy(expected);
  await using overlay = await place.open({ fileBytes: 32 * blockBytes });
  assert.ok((await readAll(overlay)).equals(expected));
});

test('many who flush at once share an fsync', async () => {
  await using place = await overlayPlace(256 * blockBytes);
  await using overlay = await place.open();
  await overlay.writeAt(numbered(0, 1), 0, { durable: true });
  using files = failingFiles();
  await Promise.all(
    Array.from({ length: 200 }, (_, block) =>
      overlay.writeAt(numbered(block, 1), block * blockBytes, { durable: true }),
    ),
  );
  assert.ok(files.calls.filter(isSyncOfLog).length <= 4, `${files.calls.filter(isSyncOfLog).length} syncs`);
  assert.ok(files.calls.filter(({ operation }) => operation === 'write').length <= 8, 'and so do their writes');
});

test('what a flush acknowledged outlives a kill -9 of the process', { timeout: 60_000 }, async () => {
  const writer = fileURLToPath(new URL('./write-overlay.ts', import.meta.url));
  await using place = await overlayPlace(64 * blockBytes);
  let first = 1;
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(process.execPath, [writer, place.directory, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged >= first + 150 + round * 37) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.ok(acknowledged > 0);
    await using overlay = await place.open({ fileBytes: 32 * blockBytes });
    const bytes = await readAll(overlay);
    // Stamp n went to block n % 64: each block has the last one that was acknowledged for it, or a later one.
    for (let block = 0; block < 64; block += 1) {
      const stamp = bytes.readUInt32LE(block * blockBytes);
      const least = acknowledged - ((((acknowledged - block) % 64) + 64) % 64);
      assert.ok(stamp % 64 === block || stamp === 0, `block ${block} has stamp ${stamp}`);
      assert.ok(stamp >= Math.max(0, least), `block ${block} has stamp ${stamp}, and ${least} was acknowledged`);
      const expected = Buffer.alloc(blockBytes);
      for (let at = 0; at < blockBytes; at += 4) expected.writeUInt32LE(stamp, at);
      assert.ok(
        bytes.subarray(block * blockBytes, (block + 1) * blockBytes).equals(expected),
        `block ${block} is whole`,
      );
    }
    first = acknowledged + 64;
  }
});
