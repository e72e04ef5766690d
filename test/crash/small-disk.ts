import { spawnSync } from 'node:child_process';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '../fixtures/obraz.ts';

/** A file system of its own and of a fixed size, in memory. Gone when disposed. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  freeBytes(): Promise<number>;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  empty(): Promise<void>;
}

/** Why there can be none here, or false. */
export const smallDiskMissing = (() => {
  if (process.platform !== 'linux') return 'a tmpfs of a fixed size is made on Linux only';
  if (process.getuid?.() !== 0) return 'only root may mount a file system';
  // In a container root may be allowed less than its name says.
  const probe = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return probe.status === 0 ? false : 'this root may not mount a file system';
})();

export async function mountSmallDisk(sizeBytes: number): Promise<SmallDisk> {
  await using opening = new AsyncDisposableStack();
  const { path } = opening.use(await temporaryDirectory());
  run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'none', path);
  opening.defer(() => run('umount', path));
  const ballast = join(path, 'ballast');
  async function freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  }
  const owned = opening.move();
  return {
    path,
    freeBytes,
    fill() {
      // It ends by ENOSPC; a second run takes what was given back meanwhile.
      for (const name of ['1', '2']) spawnSync('dd', ['if=/dev/zero', `of=${ballast}${name}`, 'bs=4k']);
    },
    async empty() {
      for (const name of ['1', '2']) await rm(`${ballast}${name}`, { force: true });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
