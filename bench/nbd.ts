import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { noise } from '../test/fixtures/qemu.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { runProgram } from './run-program.ts';
import { median } from './statistics.ts';

const MiB = 2 ** 20;
const fileBytes = 512 * MiB;
const randomReads = 100_000;

/** Steps over the whole disk that meet no block twice before all were met: 4 KiB times a prime. */
const stepBytes = 4096 * 25_013;

interface Served extends AsyncDisposable {
  readonly uri: string;
}

const servers: readonly { name: string; start(context: BenchContext, file: string): Promise<Served> }[] = [
  { name: 'qemu-nbd', start: startQemuNbd },
  { name: 'obraz, reads on threads', start: (context, file) => startObrazNbd(context, file, 'async') },
  { name: 'obraz, reads at once', start: (context, file) => startObrazNbd(context, file, 'sync') },
];

const ways = [
  { name: 'sequential, 1 MiB x 1', unit: 'MB/s', amount: fileBytes / 1e6, run: copy },
  { name: 'all over, 4 KiB x 16', unit: 'reads/s', amount: randomReads, run: readAllOver },
];

/** How fast the NBD door is, against qemu-nbd with the same file and the same clients. */
export const nbdBenchmark: Benchmark = {
  name: 'nbd',
  about: 'NBD reads of a raw file in the page cache over a unix socket, against qemu-nbd',
  async run(context) {
    const file = join(context.workFolder, 'nbd.raw');
    await writeNoise(file);
    const seconds = ways.map(() => servers.map((): number[] => []));
    for (let run = 1; run <= context.runs; run += 1) {
      for (const [server, { name, start }] of servers.entries()) {
        await using served = await start(context, file);
        for (const [way, { name: what, run: measured }] of ways.entries()) {
          context.say(`${name}, ${what}, ${run} of ${context.runs}`);
          const begin = performance.now();
          await measured(served.uri);
          seconds[way]?.[server]?.push((performance.now() - begin) / 1000);
        }
      }
    }
    return [
      {
        title: 'NBD reads of a raw file in the page cache, over a unix socket',
        note: 'Clients: nbdcopy with one request at a time; qemu-img bench, in steps all over the disk. Ratio: to qemu-nbd.',
        rows: ways.flatMap(({ name, unit, amount }, way) =>
          servers.map((server, index) => {
            const rate = (place: number): number => amount / median(seconds[way]?.[place] ?? []);
            return { reads: name, server: server.name, rate: rate(index), unit, ratio: rate(index) / rate(0) };
          }),
        ),
      },
    ];
  },
};

async function copy(uri: string): Promise<void> {
  const one = ['--connections=1', '--threads=1', '--requests=1', `--request-size=${MiB}`];
  await runProgram('nbdcopy', ...one, '--no-extents', uri, 'null:');
}

async function readAllOver(uri: string): Promise<void> {
  const shape = ['-c', String(randomReads), '-d', '16', '-s', '4096', '-S', String(stepBytes)];
  await runProgram('qemu-img', 'bench', '-f', 'raw', ...shape, uri);
}

async function startQemuNbd({ workFolder }: BenchContext, file: string): Promise<Served> {
  const socket = join(workFolder, 'qemu-nbd.sock');
  const served = ['--persistent', '--read-only', '--format=raw', '--shared=4', '--export-name=bench'];
  const child = spawn('qemu-nbd', [...served, `--socket=${socket}`, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  while (child.exitCode === null && (await stat(socket).catch(() => undefined)) === undefined) await setTimeout(10);
  return servedBy(child, socket, () => child.kill());
}

async function startObrazNbd({ workFolder }: BenchContext, file: string, way: string): Promise<Served> {
  const socket = join(workFolder, 'obraz-nbd.sock');
  const program = join(import.meta.dirname, 'nbd-file-server.ts');
  const child = spawn(process.execPath, [program, file, socket, way], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return servedBy(child, socket, () => child.stdin.end());
}

function servedBy(child: ChildProcess, socket: string, end: () => void): Served {
  return {
    uri: `nbd+unix:///bench?socket=${socket}`,
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      end();
      await closed;
    },
  };
}

async function writeNoise(path: string): Promise<void> {
  await using file = await open(path, 'w');
  const bytes = noise(8 * MiB, 1);
  for (let at = 0; at < fileBytes; at += bytes.length) await file.write(bytes, 0, bytes.length, at);
}
