import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { importImage, openClient } from './bench-client.ts';
import type { Benchmark } from './benchmark.ts';
import { makeDisks } from './disks.ts';
import { measureProcess } from './process-usage.ts';
import { timeShell } from './run-program.ts';
import { median } from './statistics.ts';
import { startWebServer } from './web-server.ts';

const root = join(import.meta.dirname, '..');

/** Each gets `$1` the address, `$2` the CA, `$3` the token, `$4` a file, `$5` the image, `$6` the data directory, `$7` Node. */
const ways = [
  {
    name: 'obraz image download (holes skipped, written sparse)',
    line: 'cd "$8"; "$7" src/main.ts image download "$5" "$4" --data "$6" 2>/dev/null',
  },
  {
    name: 'GET content, whole disk',
    line: 'curl -sf --cacert "$2" -H "authorization: Bearer $3" -o /dev/null "$1"',
  },
] as const;

/** How fast a stored image comes out again. */
export const downloadBenchmark: Benchmark = {
  name: 'download',
  about: 'read a stored image back over TLS on loopback',
  async run(context) {
    const disks = await makeDisks(context);
    await using server = await startWebServer(disks.folder);
    await using obraz = await startObraz();
    using client = openClient(obraz);
    const imageId = await importImage(client, obraz, `${server.origin}/${basename(disks.zlib.path)}`);
    const samples = ways.map(() => [] as { seconds: number; cpuSeconds: number; peakMiB: number }[]);
    for (let run = 1; run <= context.runs; run += 1) {
      for (const [index, { name, line }] of ways.entries()) {
        context.say(`${name}, ${run} of ${context.runs}`);
        const usage = measureProcess(obraz.pid);
        const { seconds } = await timeShell(
          line,
          ...argumentsFor(obraz, imageId, join(context.workFolder, 'disk.raw')),
        );
        samples[index]?.push({ seconds, ...usage() });
        await rm(join(context.workFolder, 'disk.raw'), { force: true });
      }
    }
    const { dataBytes } = disks.zlib;
    return [
      {
        title: `Download of an image of ${Math.round(dataBytes / 1e6)} MB of data in a disk of 4 GiB`,
        note: 'Every chunk is checked against its SHA-256. CPU seconds and memory: of the service, above idle.',
        rows: ways.map(({ name }, index) => {
          const taken = samples[index] ?? [];
          const seconds = median(taken.map((sample) => sample.seconds));
          return {
            way: name,
            seconds,
            'MB/s of data': dataBytes / 1e6 / seconds,
            'CPU seconds': median(taken.map(({ cpuSeconds }) => cpuSeconds)),
            'peak MiB': median(taken.map(({ peakMiB }) => peakMiB)),
          };
        }),
      },
    ];
  },
};

function argumentsFor({ endpoint, dataDirectory, token }: Obraz, imageId: string, file: string): string[] {
  const address = `https://${endpoint}/obraz/v1/images/${imageId}/content`;
  const ca = join(dataDirectory, 'tls', 'ca.pem');
  return [address, ca, token, file, imageId, dataDirectory, process.execPath, root];
}
