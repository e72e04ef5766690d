import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BenchContext } from './benchmark.ts';
import { runProgram } from './run-program.ts';
import { median } from './statistics.ts';
import type { Table } from './table.ts';

const MiB = 2 ** 20;

/** What is served in all comparisons: as long as this, and full of data. */
export const servedBytes = 512 * MiB;
const randomReads = 100_000;

/** Steps over the whole disk that meet no block twice before all were met: 4 KiB times a prime. */
const stepBytes = 4096 * 25_013;

export interface Served extends AsyncDisposable {
  readonly uri: string;
}

/** One side of a comparison. The first of them is what the others are held against. */
export interface Contender {
  readonly name: string;
  start(): Promise<Served>;
}

/** How a client reads. */
export interface Way {
  readonly name: string;
  readonly unit: string;
  /** In that unit, of one run. */
  readonly amount: number;
  run(uri: string): Promise<void>;
}

export const sequential: Way = { name: 'sequential, 1 MiB x 1', unit: 'MB/s', amount: servedBytes / 1e6, run: copy };
const allOver: Way = { name: 'all over, 4 KiB x 16', unit: 'reads/s', amount: randomReads, run: readAllOver };

/** Reads from each in turn, as often as is wanted. */
export async function compare(
  { runs, say }: BenchContext,
  contenders: readonly Contender[],
  ways: readonly Way[] = [sequential, allOver],
): Promise<Table['rows']> {
  const seconds = ways.map(() => contenders.map((): number[] => []));
  for (let run = 1; run <= runs; run += 1) {
    for (const [contender, { name, start }] of contenders.entries()) {
      await using served = await start();
      for (const [way, { name: what, run: measured }] of ways.entries()) {
        say(`${name}, ${what}, ${run} of ${runs}`);
        const begin = performance.now();
        await measured(served.uri);
        seconds[way]?.[contender]?.push((performance.now() - begin) / 1000);
      }
    }
  }
  return ways.flatMap(({ name, unit, amount }, way) =>
    contenders.map((contender, index) => {
      const rate = (place: number): number => amount / median(seconds[way]?.[place] ?? []);
      return { reads: name, server: contender.name, rate: rate(index), unit, ratio: rate(index) / rate(0) };
    }),
  );
}

/** What a table of such a comparison has to say of its clients. */
export const clientsNote =
  'Clients: nbdcopy with one request at a time; qemu-img bench, in steps all over the disk. Ratio: to qemu-nbd.';

async function copy(uri: string): Promise<void> {
  const one = ['--connections=1', '--threads=1', '--requests=1', `--request-size=${MiB}`];
  await runProgram('nbdcopy', ...one, '--no-extents', uri, 'null:');
}

async function readAllOver(uri: string): Promise<void> {
  const shape = ['-c', String(randomReads), '-d', '16', '-s', '4096', '-S', String(stepBytes)];
  await runProgram('qemu-img', 'bench', '-f', 'raw', ...shape, uri);
}

export async function startQemuNbd(
  { workFolder }: BenchContext,
  format: 'raw' | 'qcow2',
  file: string,
): Promise<Served> {
  const socket = join(workFolder, 'qemu-nbd.sock');
  const served = ['--persistent', '--read-only', `--format=${format}`, '--shared=4', '--export-name=bench'];
  const child = spawn('qemu-nbd', [...served, `--socket=${socket}`, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  while (child.exitCode === null && (await stat(socket).catch(() => undefined)) === undefined) await setTimeout(10);
  return servedBy(child, socket, () => child.kill());
}

/** A server that ends when `end` was called, and serves one export of the name `bench` until then. */
export function servedBy(child: ChildProcess, socket: string, end: () => void): Served {
  return {
    uri: `nbd+unix:///bench?socket=${socket}`,
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      end();
      await closed;
    },
  };
}
