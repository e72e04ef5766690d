import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** For the `skip` option of a test: a reason where qemu-img or qemu-io is missing, otherwise false. */
export const withoutQemu: string | false = ['qemu-img', 'qemu-io'].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
)
  ? false
  : 'needs qemu-img and qemu-io (package qemu-utils)';

export async function qemuImg(...args: string[]): Promise<string> {
  return (await run('qemu-img', args)).stdout;
}

/** Runs qemu-io commands (`write -P 5 0 64k`) on an image, in one process. qemu-io exits with 0 when a command fails. */
export async function qemuIo(image: string, commands: readonly string[]): Promise<void> {
  const { stdout, stderr } = await run('qemu-io', [...commands.flatMap((command) => ['-c', command]), image]);
  if (/failed|error|Error/.test(stdout + stderr)) throw new Error(`qemu-io: ${stdout}${stderr}`);
}

/** The guest bytes of an image as qemu-img reads them. */
export async function qemuGuestBytes(image: string): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const raw = folder.path('guest.raw');
  await qemuImg('convert', '-O', 'raw', image, raw);
  return await readFile(raw);
}

/** A folder that is gone when its block ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path(name: string): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'obraz-formats-'));
  return {
    path: (name) => join(folder, name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Writes a sparse file: zeros of `sizeBytes`, and `parts` at their offsets. */
export async function writeSparse(
  path: string,
  sizeBytes: number,
  parts: Iterable<[number, Uint8Array]>,
): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(sizeBytes);
  for (const [offset, bytes] of parts) await file.write(bytes, 0, bytes.length, offset);
}

/** Bytes that do not compress and are the same every time (xorshift32). */
export function noise(length: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** Bytes that compress well and differ by seed. */
export function prose(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; )
    at += bytes.write(`line ${seed}.${at} of a text that says little; `, at, 'latin1') || 1;
  return bytes;
}
