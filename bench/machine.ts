import { spawnSync } from 'node:child_process';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What a result was measured on; without it a number says nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly qemuImg: string;
  readonly date: string;
  /** The commit, with `+` when files differ from it. */
  readonly commit: string;
}

export function describeMachine(): Machine {
  const dirty = firstLine('git', 'status', '--porcelain', '--untracked-files=no', '--', 'src') !== '';
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.version,
    qemuImg: firstLine('qemu-img', '--version') || 'missing',
    date: new Date().toISOString(),
    commit: `${firstLine('git', 'rev-parse', '--short', 'HEAD') || 'unknown'}${dirty ? '+' : ''}`,
  };
}

function firstLine(program: string, ...args: string[]): string {
  const { stdout } = spawnSync(program, args, { cwd: import.meta.dirname, encoding: 'utf8' });
  return stdout?.split('\n')[0] ?? '';
}
