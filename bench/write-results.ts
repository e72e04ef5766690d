import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import type { Table } from './table.ts';

export interface Results {
  readonly machine: Machine;
  readonly options: object;
  readonly tables: readonly Table[];
}

/** Keeps what was measured beside the benchmarks, as JSON; returns the path. `name` may be a time. */
export async function writeResults(name: string, results: Results): Promise<string> {
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name.replaceAll(':', '-')}.json`);
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
  return path;
}
