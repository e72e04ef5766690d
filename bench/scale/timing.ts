import { percentile } from '../statistics.ts';
import type { Figure } from './sizes.ts';

/** Milliseconds that each of `count` runs took, one after the other; two more before are not counted. */
export async function timeEach(count: number, work: (at: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let at = -2; at < count; at += 1) {
    const begun = performance.now();
    await work(Math.abs(at));
    if (at >= 0) times.push(performance.now() - begun);
  }
  return times;
}

/** The middle one, and the 99th of a hundred. */
export function latencies(what: string, times: readonly number[]): Figure[] {
  return [
    { what: `${what}, p50`, unit: 'ms', value: percentile(times, 50) },
    { what: `${what}, p99`, unit: 'ms', value: percentile(times, 99) },
  ];
}

/** Seconds that it took. */
export async function timeOnce(what: string, work: () => Promise<unknown>): Promise<Figure> {
  const begun = performance.now();
  await work();
  return { what, unit: 's', value: (performance.now() - begun) / 1000 };
}
