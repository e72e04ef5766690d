import { performance } from 'node:perf_hooks';
import { expose, expositionType } from './exposition.ts';
import type { Family } from './family.ts';
import { counter, gauge } from './family.ts';

export interface MetricsOptions {
  readonly families: readonly Family[];
  /** A family could not be read. */
  onError(error: unknown, name: string): void;
}

/** Everything that is known of the process, for who looks after it. */
export interface Metrics {
  /** Content type of what `read` returns. */
  readonly type: string;
  /** All families as text. Those who ask while it is made get the same. Never throws. */
  read(): Promise<string>;
}

/** Throws when two families have one name. */
export function createMetrics({ families, onError }: MetricsOptions): Metrics {
  let failures = 0;
  let lastMs = 0;
  const all: Family[] = [
    ...families,
    counter('obraz_metrics_failures_total', 'Families that could not be read for a scrape.', () => failures),
    gauge('obraz_metrics_read_seconds', 'What the scrape before this one took.', () => lastMs / 1000),
  ];
  const names = new Set(all.map(({ name }) => name));
  if (names.size < all.length) throw new Error('two families of metrics have one name');
  let reading: Promise<string> | undefined;

  async function readAll(): Promise<string> {
    const begunAt = performance.now();
    try {
      return await expose(all, {
        onError(error, name) {
          failures += 1;
          onError(error, name);
        },
      });
    } finally {
      lastMs = performance.now() - begunAt;
      reading = undefined;
    }
  }

  return {
    type: expositionType,
    read() {
      reading ??= readAll();
      return reading;
    },
  };
}
