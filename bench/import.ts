import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { startObraz } from '../test/fixtures/obraz.ts';
import { importImage, openClient, storedBytes } from './bench-client.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { countDataBytes, type DiskFile, makeDisks } from './disks.ts';
import { measureProcess } from './process-usage.ts';
import { runProgram, timeShell } from './run-program.ts';
import { median } from './statistics.ts';
import type { Table } from './table.ts';
import { startWebServer } from './web-server.ts';

/** What one way of getting a disk file in took, once. */
interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB?: number;
  readonly storedBytes: number;
}

interface Way {
  readonly name: string;
  run(uri: string, context: BenchContext): Promise<Sample>;
}

/** Both ends are durable: the peer's output is synced, an image is READY when all of it is. */
const ways: readonly Way[] = [
  { name: 'obraz', run: importOnce },
  { name: 'curl + qemu-img convert', run: (uri, context) => convertOnce(uri, context, '') },
  {
    name: 'curl + qemu-img convert -c zstd',
    run: (uri, context) => convertOnce(uri, context, '-c -o compression_type=zstd'),
  },
];

/** Time and memory from Create to READY, beside the usual way of getting the same file in. */
export const importBenchmark: Benchmark = {
  name: 'import',
  about: 'import over loopback HTTP to READY, against curl + qemu-img convert + sync',
  async run(context) {
    const tables: Table[] = [];
    for (const disk of await disksToImport(context)) tables.push(await importDisk(disk, context));
    return tables;
  },
};

async function disksToImport(context: BenchContext): Promise<DiskFile[]> {
  const { image } = context;
  if (image !== undefined) return [{ name: basename(image), path: image, dataBytes: await countDataBytes(image) }];
  const { zlib, zstd, raw, vmdk, vhd, vhdx } = await makeDisks(context);
  return [zlib, zstd, raw, vmdk, vhd, vhdx];
}

async function importDisk(disk: DiskFile, context: BenchContext): Promise<Table> {
  await using server = await startWebServer(dirname(disk.path));
  const uri = `${server.origin}/${basename(disk.path)}`;
  await runProgram('curl', '-s', '-o', '/dev/null', uri); // from now on it is served from memory
  const samples = new Map<Way, Sample[]>(ways.map((way) => [way, []]));
  for (let run = 1; run <= context.runs; run += 1) {
    for (const [way, taken] of samples) {
      context.say(`${disk.name}, ${way.name}, ${run} of ${context.runs}`);
      taken.push(await way.run(uri, context));
    }
  }
  const ours = median((samples.get(ways[0] as Way) ?? []).map(({ seconds }) => seconds));
  return {
    title: `Import of ${disk.name}: ${Math.round(disk.dataBytes / 1e6)} MB of guest data`,
    note: 'obraz/this: seconds of obraz to seconds of this way, below 1 is faster. Memory: of the service, above idle.',
    rows: [...samples].map(([way, taken]) => {
      const seconds = median(taken.map((sample) => sample.seconds));
      return {
        way: way.name,
        seconds,
        'MB/s': disk.dataBytes / 1e6 / seconds,
        'obraz/this': ours / seconds,
        'CPU seconds': median(taken.map((sample) => sample.cpuSeconds)),
        'peak MiB': median(taken.flatMap(({ peakMiB }) => peakMiB ?? [])),
        'stored MB': median(taken.map((sample) => sample.storedBytes)) / 1e6,
        'all seconds': taken.map((sample) => sample.seconds.toFixed(2)).join(' '),
      };
    }),
  };
}

async function importOnce(uri: string, { workFolder }: BenchContext): Promise<Sample> {
  const dataDirectory = join(workFolder, 'obraz');
  try {
    await using obraz = await startObraz({ dataDirectory });
    using client = openClient(obraz);
    const usage = measureProcess(obraz.pid);
    const start = performance.now();
    await importImage(client, obraz, uri);
    const seconds = (performance.now() - start) / 1000;
    return { seconds, ...usage(), storedBytes: await storedBytes(obraz) };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

async function convertOnce(uri: string, { workFolder }: BenchContext, options: string): Promise<Sample> {
  const [fetched, output] = [join(workFolder, 'fetched'), join(workFolder, 'output.qcow2')];
  const line = `curl -sf -o "$2" "$1"; qemu-img convert -m 16 -W -O qcow2 ${options} "$2" "$3"; sync "$3"`;
  const taken = await timeShell(line, uri, fetched, output);
  const stored = await runProgram('du', '-B1', output);
  await Promise.all([rm(fetched), rm(output)]);
  return { ...taken, storedBytes: Number.parseInt(stored, 10) };
}
