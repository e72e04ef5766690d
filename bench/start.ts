import { join } from 'node:path';
import { startObraz } from '../test/fixtures/obraz.ts';
import type { Benchmark } from './benchmark.ts';
import { memoryMiB } from './process-usage.ts';
import { median } from './statistics.ts';

/** How long it takes from the command to a service that serves. */
export const startBenchmark: Benchmark = {
  name: 'start',
  about: 'from the command to serving: the first time, and again',
  async run(context) {
    const first: number[] = [];
    const again: number[] = [];
    const idleMiB: number[] = [];
    for (let run = 1; run <= context.runs; run += 1) {
      const dataDirectory = join(context.workFolder, `start-${run}`);
      for (const times of [first, again]) {
        const start = performance.now();
        await using obraz = await startObraz({ dataDirectory });
        times.push(performance.now() - start);
        idleMiB.push(memoryMiB(obraz.pid, 'VmRSS'));
        await obraz.end();
      }
    }
    const row = (what: string, times: readonly number[]) => ({
      start: what,
      ms: median(times),
      'all ms': times.map((time) => time.toFixed(0)).join(' '),
    });
    return [
      {
        title: 'Start to serving',
        note: `The first makes keys, certificates and the database. Resident then: ${median(idleMiB).toFixed(0)} MiB.`,
        rows: [row('first', first), row('again', again)],
      },
    ];
  },
};
