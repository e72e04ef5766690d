import { readdir, readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { counter, type Family, gauge } from './family.ts';

/** How finely the event loop is watched: a timer so often. */
const loopResolutionMs = 20;

/** The process itself, under the names that every Prometheus client gives these figures. Dispose it to stop watching. */
export function watchProcess(): { readonly families: Family[] } & Disposable {
  const loop = monitorEventLoopDelay({ resolution: loopResolutionMs });
  loop.enable();
  return { families: processFamilies(loop), [Symbol.dispose]: () => void loop.disable() };
}

function processFamilies(loop: ReturnType<typeof monitorEventLoopDelay>): Family[] {
  return [
    counter('process_cpu_seconds_total', 'CPU time, of all threads.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
    gauge('process_resident_memory_bytes', 'Memory that is resident.', () => process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'When the process began, since 1970.', () =>
      Math.round((Date.now() - process.uptime() * 1000) / 1000),
    ),
    gauge('process_open_fds', 'File descriptors that are open; on Linux alone.', countDescriptors),
    gauge('process_max_fds', 'File descriptors that may be open; on Linux alone.', readMaxDescriptors),
    gauge('obraz_memory_bytes', 'Memory of the main thread by what it is for; it is part of what is resident.', () => {
      const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      return [
        { labels: { kind: 'heap_used' }, value: heapUsed },
        { labels: { kind: 'heap_total' }, value: heapTotal },
        { labels: { kind: 'external' }, value: external },
        { labels: { kind: 'array_buffers' }, value: arrayBuffers },
      ];
    }),
    gauge(
      'obraz_event_loop_delay_seconds',
      'How late the main thread came to what was due, since the last scrape.',
      () => {
        const resolution = loopResolutionMs * 1e6;
        const late = (nanoseconds: number) => Math.max(0, nanoseconds - resolution) / 1e9;
        const delays = loop.count === 0 ? [0, 0, 0] : [loop.mean, loop.percentile(99), loop.max].map(late);
        loop.reset();
        return ['mean', 'p99', 'max'].map((kind, index) => ({ labels: { kind }, value: delays[index] ?? 0 }));
      },
    ),
  ];
}

async function countDescriptors(): Promise<number | undefined> {
  const entries = await readdir('/proc/self/fd').catch(() => undefined);
  // One of them is what this was read by.
  return entries === undefined ? undefined : entries.length - 1;
}

async function readMaxDescriptors(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'latin1').catch(() => '');
  const limit = /^Max open files +(\d+)/m.exec(text)?.[1];
  return limit === undefined ? undefined : Number(limit);
}
