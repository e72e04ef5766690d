import { Presets, SingleBar } from 'cli-progress';
import { formatByteSize } from './byte-size.ts';
import type { Terminal } from './terminal.ts';

/** How far a long piece of work is. */
export interface Progress {
  readonly phase: string;
  readonly doneBytes: number;
  /** 0 while it is not known. */
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
}

/** Shows progress until it is disposed; may be told the same twice. */
export interface ProgressDisplay extends Disposable {
  show(progress: Progress): void;
}

/** A line in a log is wanted for each new phase and now and then, not for each step. */
const lineEveryMs = 10_000;

/** A bar on a terminal, and lines where a program reads. */
export function createProgressDisplay({ err }: Terminal): ProgressDisplay {
  return err.isTTY === true ? createBar(err) : createLines(err);
}

function createBar(stream: NodeJS.WritableStream): ProgressDisplay {
  const bar = new SingleBar(
    {
      stream,
      format: '{phase} {bar} {percentage} % {bytes}',
      barsize: 24,
      fps: 10,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      gracefulExit: false, // Ctrl-C is ours
    },
    Presets.shades_classic,
  );
  let started = false;
  return {
    show(progress) {
      const total = Math.max(progress.totalBytes, 1);
      const payload = { phase: progress.phase.padEnd(9), bytes: describeBytes(progress) };
      if (!started) bar.start(total, 0, payload);
      started = true;
      bar.setTotal(total);
      bar.update(Math.min(progress.doneBytes, total), payload);
    },
    [Symbol.dispose]() {
      if (started) bar.stop();
    },
  };
}

function createLines(stream: NodeJS.WritableStream): ProgressDisplay {
  let phase: string | undefined;
  let shownAt = 0;
  return {
    show(progress) {
      if (progress.phase === phase && Date.now() - shownAt < lineEveryMs) return;
      phase = progress.phase;
      shownAt = Date.now();
      stream.write(`${phase} ${describeBytes(progress)}`.trimEnd().concat('\n'));
    },
    [Symbol.dispose]() {},
  };
}

/** `1.2 GB / 4 GB, 310 MB/s, 9 s left`, as far as it is known. */
export function describeBytes({ doneBytes, totalBytes, bytesPerSecond }: Progress): string {
  if (totalBytes === 0) return doneBytes === 0 ? '' : formatByteSize(doneBytes);
  const parts = [`${formatByteSize(doneBytes)} / ${formatByteSize(totalBytes)}`];
  if (bytesPerSecond > 0) {
    parts.push(`${formatByteSize(bytesPerSecond)}/s`);
    parts.push(`${formatDuration((totalBytes - doneBytes) / bytesPerSecond)} left`);
  }
  return parts.join(', ');
}

/** A duration for people: `9 s`, `4 min 10 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
