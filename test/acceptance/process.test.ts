import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';

const bin = join(import.meta.dirname, '..', '..', 'bin', 'obraz');

/** Runs `obraz` as a shell would, until it ends. */
async function run(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const child = spawn(bin, args, { ...options, env: { ...process.env, ...options.env } });
  const [out, err] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, 'close');
  return { code, out: await out, err: await err };
}

test('refuses a second serve on the same data directory, and the first goes on', async () => {
  await using obraz = await startObraz();
  const second = await run(['serve', '--data', obraz.dataDirectory, '--listen', '127.0.0.1:0']);
  assert.equal(second.code, 3);
  assert.match(second.err, /^ERROR: .*another "obraz serve" runs on this data directory/);
  const list = await run(['image', 'list', '--data', obraz.dataDirectory]);
  assert.equal(list.code, 0, list.err);
});

test('says in one line each why it cannot serve, with an exit code for the kind', async () => {
  await using obraz = await startObraz();
  await using directory = await temporaryDirectory();
  const taken = await run(['serve', '--data', directory.path, '--listen', obraz.endpoint]);
  assert.equal(taken.code, 1);
  assert.match(taken.err, new RegExp(`ERROR: ${obraz.endpoint} is taken`));

  const file = join(directory.path, 'file');
  await writeFile(file, '');
  const unusable = await run(['serve', '--data', file, '--listen', '127.0.0.1:0']);
  assert.equal(unusable.code, 4);
  assert.match(unusable.err, /^ERROR: the data directory cannot be used: .*file is not a directory/);

  const wrong = await run(['serve', '--listen', 'nowhere'], { env: { OBRAZ_LOG_LEVEL: 'loud' } });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--listen "nowhere".*\n.*OBRAZ_LOG_LEVEL "loud"/);
  for (const { err } of [taken, unusable, wrong]) assert.doesNotMatch(err, /^\s+at /m);
});

test('prints where its files are and commands that work as they stand', async () => {
  await using directory = await temporaryDirectory();
  const child = spawn(bin, ['serve', '--listen', '127.0.0.1:0'], {
    cwd: directory.path,
    env: { ...process.env, INIT_CWD: '' }, // as if a shell and not npm had started it
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (/health\n/.test(said)) break;
    }
    const files = [...said.matchAll(/^ {2}(?:CA certificate|admin key|admin token)\s+(.+)$/gm)].map(
      ([, path = '']) => path,
    );
    assert.equal(files.length, 3);
    for (const path of files) assert.ok((await stat(join(directory.path, path))).isFile(), path);
    const commands =
      said
        .split('another terminal:')[1]
        ?.trim()
        .split('\n')
        .map((line) => line.trim()) ?? [];
    assert.equal(commands.length, 3);
    const list = spawn('/bin/sh', ['-c', commands[1] ?? ''], { cwd: directory.path });
    assert.match(await text(list.stdout), /^ID +NAME/);
  } finally {
    child.kill('SIGKILL');
  }
});

test('ends in order on SIGTERM: exit code 0, and no word of serving is left behind', async () => {
  await using directory = await temporaryDirectory();
  const obraz = await startObraz({ dataDirectory: directory.path });
  const startedAt = Date.now();
  assert.equal(await obraz.end('SIGTERM'), 0);
  assert.ok(Date.now() - startedAt < 10_000);
  assert.ok(!(await readdir(directory.path)).includes('serving.json'));
});

test('ends in time whatever requests it refused', async () => {
  await using obraz = await startObraz();
  const [host = '', port] = obraz.endpoint.split(':');
  const images = '/compute/v1/images HTTP/1.1\r\nhost: a';
  const requests: readonly (readonly [answer: number | undefined, request: string])[] = [
    [413, `POST ${images}\r\ncontent-length: 2000000\r\n\r\nbegun`],
    [413, `POST ${images}\r\ntransfer-encoding: chunked\r\n\r\n200000\r\n${'x'.repeat(0x200000)}\r\n`],
    [415, `POST ${images}\r\ncontent-type: nonsense\r\ncontent-length: 9\r\n\r\nx`],
    [400, `POST ${images}\r\ncontent-length: nine\r\n\r\n`],
    [401, `POST ${images}\r\ncontent-length: 2\r\n\r\n{}`],
    [404, 'GET /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n'],
    [401, 'GET /obraz/v1/images/x/content HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n'],
    [401, 'POST /obraz/v1/uploads HTTP/1.1\r\nhost: a\r\ntus-resumable: 1.0.0\r\ncontent-length: 9\r\n\r\nx'],
    [undefined, `POST ${images}\r\ncontent-length: 9\r\n\r\nhalf`],
    [undefined, `POST ${images}\r\ncontent-le`],
  ];
  await using sockets = new AsyncDisposableStack();
  for (const [answer, request] of requests) {
    const socket = connect(Number(port), host);
    sockets.defer(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write(request);
    if (answer === undefined) continue;
    const [head] = await once(socket, 'data');
    assert.match(String(head), new RegExp(`^HTTP/1.1 ${answer} `), request.slice(0, 200));
  }
  const askedAt = Date.now();
  assert.equal(await obraz.end('SIGTERM'), 0);
  assert.ok(Date.now() - askedAt < 10_000, `${Date.now() - askedAt} ms`);
  assert.doesNotMatch(obraz.log(), /something holds the process/);
});

test('ends at once on a second signal, but not on the echo of the first', async () => {
  await using obraz = await startObraz();
  // A request that never ends holds the first phase open.
  const [host = '', port] = obraz.endpoint.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  await new Promise((resolve) =>
    socket.write('POST /compute/v1/images HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n', resolve),
  );
  await wait(200); // so that the server has the request
  process.kill(obraz.pid, 'SIGTERM');
  process.kill(obraz.pid, 'SIGTERM');
  await wait(1_200); // what counts as an echo
  const askedAt = Date.now();
  assert.equal(await obraz.end('SIGTERM'), 1);
  assert.ok(Date.now() - askedAt < 1_000);
  socket.destroy();
});

test('ends when its database dies under it, and the next start goes on', {
  skip: onlyLocal('no thread of its own writes the metadata'),
}, async () => {
  await using directory = await temporaryDirectory();
  // The first thread is the one that writes the metadata; a signal kills it.
  const killer = `
    import { isMainThread } from 'node:worker_threads';
    if (isMainThread) process.once('worker', (worker) => process.once('SIGUSR2', () => worker.terminate()));
  `;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(killer)}` };
  const obraz = await startObraz({ dataDirectory: directory.path, env });
  assert.equal(await obraz.end('SIGUSR2'), 1);
  assert.match(obraz.log(), /"level":"fatal".*"msg":"the database was lost"/);
  await using again = await startObraz({ dataDirectory: directory.path });
  assert.equal(again.folderId, obraz.folderId);
});

test('starts again after kill -9 with the same CA, key and token', async () => {
  await using directory = await temporaryDirectory();
  const first = await startObraz({ dataDirectory: directory.path });
  const key = await readFile(join(directory.path, 'credentials', 'admin-key.json'), 'utf8');
  await first.end('SIGKILL');
  await using second = await startObraz({ dataDirectory: directory.path });
  assert.equal(second.ca, first.ca);
  assert.equal(second.token, first.token);
  assert.equal(await readFile(join(directory.path, 'credentials', 'admin-key.json'), 'utf8'), key);
});

test('keeps its files to their owner', async () => {
  await using obraz = await startObraz();
  for (const entry of await readdir(obraz.dataDirectory, { recursive: true })) {
    const { mode } = await stat(join(obraz.dataDirectory, entry));
    assert.equal(mode & 0o077, 0, entry);
  }
});
