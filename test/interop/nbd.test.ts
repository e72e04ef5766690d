import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type DiskCall, MemoryDisk } from '../fixtures/memory-disk.ts';
import { startNbd, type TestNbd, ticket, until } from '../fixtures/nbd-server.ts';
import { noise, qemuImg, temporaryFolder } from '../fixtures/qemu.ts';

const run = promisify(execFile);
const MiB = 2 ** 20;
const sizeBytes = 24 * MiB + 512;

const isHere = (tool: string, ...args: string[]): boolean => spawnSync(tool, args).status === 0;
const withoutQemu = isHere('qemu-io', '--version') ? false : 'needs qemu-img and qemu-io (package qemu-utils)';
const withoutLibnbd = isHere('nbdcopy', '--version') ? false : 'needs nbdinfo and nbdcopy (package libnbd-bin)';
const withoutNbdkit = isHere('nbdkit', '--version') ? false : 'needs nbdkit (package nbdkit)';
/** The distribution's own, which has the distribution's modules; the first on the path may be another. */
const python = '/usr/bin/python3';
const withoutPython = isHere(python, '-c', 'import nbd') ? false : 'needs the nbd module (package python3-libnbd)';

/** Noise, zeros that were written, and holes. */
async function disk(): Promise<MemoryDisk> {
  const made = new MemoryDisk(sizeBytes);
  await made.writeAt(noise(3 * MiB, 1), 2 * MiB);
  await made.zeroAt(8 * MiB, MiB);
  await made.writeAt(noise(70_000, 2), 20 * MiB + 512);
  await made.writeAt(noise(512, 3), sizeBytes - 512);
  return made;
}

/** For a disk whose second MiB can't be read. */
function rot({ what, offset, length }: DiskCall): void {
  if (what === 'readAt' && offset + length > MiB) throw new Error('rot');
}

/** Runs qemu-io commands; throws if one of them fails, which qemu-io may say without a status. */
async function qemuIo(nbd: TestNbd, ...commands: string[]): Promise<void> {
  const args = commands.flatMap((command) => ['-c', command]);
  const { isWell, stdout, stderr } = await new Promise<{ isWell: boolean; stdout: string; stderr: string }>(
    (resolve) => {
      execFile('qemu-io', ['-f', 'raw', ...args, nbd.uri], (failure, stdout, stderr) => {
        resolve({ isWell: failure === null, stdout, stderr });
      });
    },
  );
  if (!isWell || /failed|error|mismatch/i.test(stdout + stderr)) throw new Error(stdout + stderr);
}

describe('QEMU', { skip: withoutQemu }, () => {
  test('converts from and to an export, and sees its holes', async () => {
    await using folder = await temporaryFolder();
    await using from = await startNbd({ device: await disk(), readOnly: true });
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', from.uri, folder.path('copy.qcow2'));
    await using to = await startNbd({ device: new MemoryDisk(sizeBytes) });
    await qemuImg('convert', '-n', '-f', 'qcow2', '-O', 'raw', folder.path('copy.qcow2'), to.uri);
    assert.ok(to.disk.bytes.equals(from.disk.bytes));
    assert.ok(to.disk.durableBytes.equals(from.disk.bytes), 'qemu-img flushes at its end');
    assert.ok((await qemuImg('compare', from.uri, to.uri)).includes('identical'));
    const map: unknown = JSON.parse(await qemuImg('map', '-f', 'raw', '--output=json', from.uri));
    const seen = Array.isArray(map) ? map.map(({ start, length, data, zero }) => [start, length, data, zero]) : [];
    assert.deepEqual(seen.slice(0, 4), [
      [0, 2 * MiB, false, true],
      [2 * MiB, 3 * MiB, true, false],
      [5 * MiB, 3 * MiB, false, true],
      [8 * MiB, MiB, true, true],
    ]);
  });

  test('reads the patterns that it wrote, and what it flushed is durable', async () => {
    await using nbd = await startNbd({ device: new MemoryDisk(40 * MiB) });
    await qemuIo(
      nbd,
      'write -P 5 1M 64k',
      'read -P 5 1M 64k',
      'write -f -P 9 1024 3000',
      'read -P 9 1024 3000',
      'aio_write -P 1 2M 3M',
      'aio_write -P 2 5M 32M',
      'aio_flush',
      'read -P 1 2M 3M',
      'read -P 2 5M 32M',
      'discard 2M 1M',
      'write -z 3M 512k',
      'write -z -u 3584k 512k',
      'read -P 0 2M 2M',
      'flush',
    );
    assert.ok(nbd.disk.durableBytes.equals(nbd.disk.bytes));
    assert.ok(nbd.disk.calls.some(({ what, durable }) => what === 'writeAt' && durable));
  });

  test('is told of failures, and never reads zeros for them', async () => {
    await using nbd = await startNbd({ device: MemoryDisk.of(Buffer.alloc(2 * MiB, 1), { before: rot }) });
    await assert.rejects(qemuIo(nbd, 'read 1M 4k'), /Input\/output error/);
    await using folder = await temporaryFolder();
    const copy = folder.path('copy.raw');
    await assert.rejects(qemuImg('convert', '-f', 'raw', '-O', 'raw', nbd.uri, copy), /Input\/output error/);
  });

  test('uses TLS, and trusts nobody without our authority', async () => {
    await using folder = await temporaryFolder();
    await using nbd = await startNbd({ device: await disk(), tls: 'required' });
    await writeFile(folder.path('ca-cert.pem'), nbd.ca);
    const creds = `tls-creds-x509,id=tls0,endpoint=client,dir=${folder.path('.')}`;
    const image = `driver=nbd,host=localhost,port=${nbd.port},export=${ticket},tls-creds=tls0`;
    const copy = folder.path('copy.raw');
    await qemuImg('convert', '--object', creds, '--image-opts', image, '-O', 'raw', copy);
    assert.ok((await readFile(copy)).equals(nbd.disk.bytes));
    await assert.rejects(qemuImg('info', nbd.uri), /TLS/);
    await using other = await temporaryFolder();
    const { makeAuthority } = await import('../../src/installation/certificates.ts');
    await writeFile(other.path('ca-cert.pem'), (await makeAuthority(new Date())).certificate);
    const wrong = creds.replace(folder.path('.'), other.path('.'));
    await assert.rejects(qemuImg('info', '--object', wrong, '--image-opts', image), /certificate/);
  });
});

describe('libnbd', { skip: withoutLibnbd }, () => {
  test('tells what an export is, and lists none', async () => {
    await using nbd = await startNbd({ device: await disk(), readOnly: true });
    const told = JSON.parse((await run('nbdinfo', ['--json', nbd.uri])).stdout);
    const [used] = told.exports;
    assert.equal(told.protocol, 'newstyle-fixed');
    assert.equal(used['export-size'], sizeBytes);
    assert.equal(used.description, 'a disk for tests');
    assert.deepEqual(used.contexts, ['base:allocation']);
    assert.deepEqual(
      [used.is_read_only, used.can_multi_conn, used.can_df, used.can_cache, used.can_flush, used.can_trim],
      [true, true, true, true, false, false],
    );
    const map = JSON.parse((await run('nbdinfo', ['--map', '--json', nbd.uri])).stdout);
    assert.deepEqual(
      map.slice(0, 4).map(({ type }: { type: number }) => type),
      [3, 0, 3, 2],
    );
    const { stdout } = await run('nbdinfo', ['--list', `nbd://127.0.0.1:${nbd.port}`]);
    assert.doesNotMatch(stdout, /export=/);
    await assert.rejects(run('nbdinfo', [`nbd://127.0.0.1:${nbd.port}/nobody`]), /No such file/);
  });

  test('copies both ways over several connections, and a unix socket', async () => {
    await using folder = await temporaryFolder();
    await using from = await startNbd({ device: await disk(), readOnly: true, socketPath: folder.path('nbd.sock') });
    await using to = await startNbd({ device: new MemoryDisk(sizeBytes) });
    await run('nbdcopy', ['--connections=4', '--threads=4', from.uri, folder.path('copy.raw')]);
    assert.ok((await readFile(folder.path('copy.raw'))).equals(from.disk.bytes));
    await run('nbdcopy', ['--connections=4', '--threads=4', '--flush', folder.path('copy.raw'), to.uri]);
    assert.ok(to.disk.durableBytes.equals(from.disk.bytes));
    assert.equal(to.uses.found, 4);
    await to.disk.zeroAt(0, sizeBytes);
    await run('nbdcopy', ['--connections=4', '--threads=4', '--flush', from.uri, to.uri]);
    assert.ok(to.disk.bytes.equals(from.disk.bytes));
    await until(() => to.uses.disposed === to.uses.found);
  });

  test('copies nothing in silence that could not be read', async () => {
    await using nbd = await startNbd({
      device: MemoryDisk.of(Buffer.alloc(2 * MiB, 1), { before: rot }),
      readOnly: true,
    });
    await assert.rejects(run('nbdcopy', [nbd.uri, 'null:']), /Input\/output error/);
  });

  test('uses TLS', async () => {
    await using folder = await temporaryFolder();
    await using nbd = await startNbd({ device: await disk(), tls: 'required' });
    await writeFile(folder.path('ca-cert.pem'), nbd.ca);
    const uri = `nbds://localhost:${nbd.port}/${ticket}?tls-certificates=${folder.path('.')}`;
    assert.equal((await run('nbdinfo', ['--size', uri])).stdout.trim(), String(sizeBytes));
    await run('nbdcopy', [uri, folder.path('copy.raw')]);
    assert.ok((await readFile(folder.path('copy.raw'))).equals(nbd.disk.bytes));
  });

  test('checks with its own rules what it is answered (libnbd for Python)', { skip: withoutPython }, async () => {
    await using nbd = await startNbd({ device: await disk() });
    const script = [
      'import nbd',
      'h = nbd.NBD()',
      'h.set_strict_mode(0)',
      'h.connect_uri(uri)',
      'h.pwrite(b"x" * 512, 512, nbd.CMD_FLAG_FUA)',
      'assert h.pread(512, 512) == b"x" * 512',
      'h.zero(4096, 0, nbd.CMD_FLAG_FAST_ZERO)',
      'h.flush()',
      'h.shutdown()',
    ].map((line) => line.replace('uri)', `"${nbd.uri}")`));
    await run(python, ['-c', script.join('\n')]);
  });
});

test('nbdkit passes an export on', { skip: withoutNbdkit || withoutLibnbd }, async () => {
  await using folder = await temporaryFolder();
  await using nbd = await startNbd({ device: await disk() });
  const socket = folder.path('nbdkit.sock');
  const kit = spawn('nbdkit', ['-f', '-U', socket, 'nbd', `uri=${nbd.uri}`], { stdio: ['ignore', 'inherit', 'pipe'] });
  try {
    while (
      kit.exitCode === null &&
      !(await stat(socket).then(
        () => true,
        () => false,
      ))
    );
    await run('nbdcopy', [`nbd+unix://?socket=${socket}`, folder.path('copy.raw')]);
    assert.ok((await readFile(folder.path('copy.raw'))).equals(nbd.disk.bytes));
  } finally {
    kit.kill();
    await once(kit, 'close');
  }
});
