import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program to its end; throws with what it said when it fails. */
export async function runProgram(program: string, ...args: readonly string[]): Promise<string> {
  return (await run(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

export interface ShellRun {
  readonly seconds: number;
  /** User and system time of all that the line started. */
  readonly cpuSeconds: number;
}

/** Runs a line of shell and says what it took. `$1` and on are the arguments. */
export async function timeShell(line: string, ...args: readonly string[]): Promise<ShellRun> {
  const start = performance.now();
  const output = await runProgram('sh', '-ec', `${line}\ntimes`, 'sh', ...args);
  const seconds = (performance.now() - start) / 1000;
  // POSIX `times`: the second line has user and system time of the children, as 0m1.25s.
  const children = output.trimEnd().split('\n').at(-1) ?? '';
  const cpuSeconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds))
    .reduce((sum, time) => sum + time, 0);
  return { seconds, cpuSeconds };
}
