import { readFileSync, writeFileSync } from 'node:fs';

const mebibyte = 1024 * 1024;

/** Clock ticks a second in /proc (proc_pid_stat(5)): 100 on every Linux that Node has builds for. */
const ticksPerSecond = 100;

/** What a process takes while something runs. Linux only: read from /proc. */
export interface Usage {
  readonly cpuSeconds: number;
  /** How far its resident memory rose above what it was at the start. */
  readonly peakMiB: number;
}

/** Begins to measure a process; the answer gives what it took since. */
export function measureProcess(pid: number): () => Usage {
  const cpuBefore = cpuSeconds(pid);
  const idleMiB = memoryMiB(pid, 'VmRSS');
  // 5 forgets the peak so far (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return () => ({ cpuSeconds: cpuSeconds(pid) - cpuBefore, peakMiB: memoryMiB(pid, 'VmHWM') - idleMiB });
}

/** User and system time of a process with all its threads. */
function cpuSeconds(pid: number): number {
  // The name, in parentheses, may hold spaces; utime and stime are the fields 14 and 15, 12 and 13 behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1]) * 1024) / mebibyte;
}
