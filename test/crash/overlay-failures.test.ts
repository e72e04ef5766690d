import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openOverlay } from '../../src/overlays/open-overlay.ts';
import { OverlayFailed } from '../../src/overlays/overlay-failed.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { blockBytes, numbered, overlayPlace, readAll } from '../fixtures/test-overlay.ts';
import { InjectedFault } from './faults.ts';
import { type FileCall, interceptFiles } from './intercept-files.ts';
import { createRandom } from './random.ts';
import { VolatileFiles } from './volatile-files.ts';

interface FailingFiles extends Disposable {
  /** With which code a call fails, if it does. */
  fails(call: FileCall): string | undefined;
  /** A call is done when this is. */
  waits(call: FileCall): Promise<void>;
  readonly calls: FileCall[];
}

/** Files of a process whose calls wait and fail as long as somebody says so. */
function failingFiles(): FailingFiles {
  const calls: FileCall[] = [];
  const restore = interceptFiles(async (call, run) => {
    calls.push(call);
    await files.waits(call);
    const code = files.fails(call);
    if (code !== undefined) throw new InjectedFault(code, call.operation);
    return run();
  });
  const files: FailingFiles = { fails: () => undefined, waits: async () => {}, calls, [Symbol.dispose]: restore };
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

test('a flush makes durable what was being written while an earlier one was at work', { timeout: 30_000 }, async () => {
  await using place = await overlayPlace(64 * blockBytes);
  using files = failingFiles();
  await using overlay = await place.open();
  await overlay.writeAt(numbered(0, 1), 0);
  const begun = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  files.waits = ({ operation, path }) => {
    if (operation !== 'write' || !path.endsWith('00000001.log')) return Promise.resolve();
    begun.resolve();
    return written.promise;
  };
  const writing = overlay.writeAt(numbered(1, 1), blockBytes);
  await begun.promise;
  await overlay.flush();
  written.resolve();
  await writing;
  files.calls.length = 0;
  await overlay.flush();
  const synced = files.calls.filter((call) => isSyncOfLog(call) && call.path.endsWith('00000001.log'));
  assert.equal(synced.length, 1);
});

test('a flush makes durable what stands in a file that is full and not yet sealed', { timeout: 30_000 }, async () => {
  await using place = await overlayPlace(64 * blockBytes);
  using files = failingFiles();
  await using overlay = await place.open({ fileBytes: 16 * blockBytes });
  await overlay.writeAt(numbered(0, 12), 0); // with three headers and the file's own, 16 blocks
  const sealing = Promise.withResolvers<void>();
  files.waits = ({ operation, path }) =>
    operation === 'write' && path.endsWith('00000001.log') ? sealing.promise : Promise.resolve();
  await overlay.writeAt(numbered(12, 4), 12 * blockBytes);
  files.calls.length = 0;
  await overlay.flush();
  const synced = files.calls.filter(isSyncOfLog).map(({ path }) => path.split('/').at(-1));
  sealing.resolve();
  assert.ok(synced.includes('00000001.log'), synced.join());
});

test('an overlay that a process began and died over is there for good once another has opened it', async () => {
  for (let seed = 0; seed < 30; seed += 1) {
    await using temporary = await temporaryDirectory();
    const root = join(temporary.path, 'overlays');
    const directory = join(root, 'disk');
    using files = new VolatileFiles({ root, shadow: join(temporary.path, 'shadow'), random: createRandom(seed) });
    const options = { directory, sizeBytes: 64 * blockBytes };
    files.setFault({ call: 1 + (seed % 9), does: 'kill before' });
    await assert.rejects(openOverlay({ ...options, whenMissing: 'create' }));
    files.restart();
    {
      const overlay = await openOverlay({ ...options, whenMissing: 'create' });
      files.setFault({ call: 1, does: 'cut before' });
      await assert.rejects(overlay.writeAt(numbered(0, 1), 0));
      await Promise.resolve(overlay[Symbol.asyncDispose]()).catch(() => {});
    }
    files.restart();
    await using again = await openOverlay({ ...options, whenMissing: 'refuse' });
    await again.flush();
  }
});

test('a log file and its name are durable before the manifest lists it', async () => {
  await using place = await overlayPlace(64 * blockBytes);
  using files = failingFiles();
  await using overlay = await place.open();
  files.calls.length = 0;
  await overlay.writeAt(numbered(0, 1), 0);
  const steps = files.calls.map(({ operation, path }) => `${operation} ${path.split('/').at(-1)}`);
  const listed = steps.indexOf('rename .overlay.json.new');
  const before = steps.slice(steps.indexOf('create 00000001.log'), listed);
  assert.ok(before.indexOf('sync 00000001.log') > 0);
  assert.ok(before.indexOf('sync folder disk') > before.indexOf('sync 00000001.log'));
  assert.ok(steps.indexOf('write 00000001.log', listed) > listed, 'and data comes after that');
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
