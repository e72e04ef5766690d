import { basename } from 'node:path';
import type { ApiClient } from '../src/cli/api-client.ts';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { copyImage, importImage, openClient } from './bench-client.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { type DiskFile, makeDistinctDisks } from './disks.ts';
import type { LoadResult } from './load.ts';
import { measureProcess } from './process-usage.ts';
import { putLoad } from './put-load.ts';
import { median } from './statistics.ts';
import { startWebServer, type WebServer } from './web-server.ts';

/** Images in the folder: several pages. */
const imageCount = 3_000;

/** Imports that run at once beside the calls, and disks for them: each is imported once, so that nothing is known. */
const importsAtOnce = 2;
const diskCount = 9;
const diskMb = 250;

const seconds = 4;

/** As many calls as the service answers; what that says is a rate. */
const full = {
  'Get, 32 at once': { method: 'get', connections: 4, inFlight: 8, seconds },
  'List of 1,000, 2 at once': { method: 'list', connections: 2, inFlight: 1, seconds },
} as const;

/** A rate that leaves the service room; what that says are times. */
const steady = {
  'Get, 200 a second': { method: 'get', connections: 2, inFlight: 1, perSecond: 200, seconds },
  'List of 1,000, 4 a second': { method: 'list', connections: 2, inFlight: 1, perSecond: 4, seconds },
} as const;

interface Sample extends LoadResult {
  /** Processor time of the service for one call; unknown where it does other things as well. */
  readonly cpuMs?: number;
}

/** How quickly calls are answered, with nothing else to do and while images are imported. */
export const apiBenchmark: Benchmark = {
  name: 'api',
  about: 'Get and List over gRPC and TLS, idle and while two imports run',
  async run(context) {
    const disks = await makeDistinctDisks(context, diskCount, diskMb);
    await using server = await startWebServer(context.cacheFolder);
    const found = new Map<string, Sample[]>();
    for (let run = 1; run <= context.runs; run += 1) {
      for (const [what, result] of await measureOnce(context, server, disks)) {
        found.set(what, [...(found.get(what) ?? []), result]);
      }
    }
    return [
      {
        title: `Calls over gRPC and TLS, ${imageCount.toLocaleString('en')} images in the folder`,
        note: 'The calling process shares the cores with the service. CPU: of the service for each call.',
        rows: [...found].map(([calls, results]) => ({
          calls,
          'calls/s': median(results.map(({ perSecond }) => perSecond)),
          'p50 ms': median(results.map(({ p50Ms }) => p50Ms)),
          'p99 ms': median(results.map(({ p99Ms }) => p99Ms)),
          'CPU ms': median(results.flatMap(({ cpuMs }) => cpuMs ?? [])),
        })),
      },
    ];
  },
};

async function measureOnce(
  { say }: BenchContext,
  { origin }: WebServer,
  [first, ...disks]: readonly DiskFile[],
): Promise<[string, Sample][]> {
  await using obraz = await startObraz({ flags: ['--log-level', 'warn'] });
  using client = openClient(obraz);
  if (first === undefined) return [];
  say(`making ${imageCount} images`);
  const imageIds = await makeImages(client, obraz, `${origin}/${basename(first.path)}`);
  const at = { endpoint: obraz.endpoint, ca: obraz.ca, token: obraz.token, folderId: obraz.folderId, imageIds };
  const results: [string, Sample][] = [];
  for (const [name, load] of Object.entries(full)) {
    say(name);
    const usage = measureProcess(obraz.pid);
    const result = await putLoad({ ...at, ...load });
    results.push([`${name}, idle`, { ...result, cpuMs: (1000 * usage().cpuSeconds) / result.calls }]);
  }
  const putSteady = (when: string) =>
    Promise.all(
      Object.entries(steady).map(async ([name, load]) => {
        results.push([`${name}, ${when}`, await putLoad({ ...at, ...load })]);
      }),
    );
  say('steady, idle');
  await putSteady('idle');
  say('steady, while importing');
  await whileImporting(
    client,
    obraz,
    disks.map(({ path }) => `${origin}/${basename(path)}`),
    () => putSteady(`${importsAtOnce} imports`),
  );
  return results;
}

/** One import, and all the others copies of it. */
async function makeImages(client: ApiClient, obraz: Obraz, uri: string): Promise<string[]> {
  const imageIds = [await importImage(client, obraz, uri)];
  const [sourceId = ''] = imageIds;
  const numbers = Array.from({ length: imageCount - 1 }, (_, index) => index).values();
  const work = async () => {
    for (const number of numbers) imageIds.push(await copyImage(client, obraz, sourceId, `image-${number}`));
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return imageIds;
}

/** Keeps imports going for as long as `run` takes; the last ones may go on for a while. */
async function whileImporting(
  client: ApiClient,
  obraz: Obraz,
  uris: readonly string[],
  run: () => Promise<unknown>,
): Promise<void> {
  let over = false;
  const left = uris.values();
  const work = async () => {
    for (const uri of left) {
      if (over) return;
      await importImage(client, obraz, uri);
    }
    if (!over) throw new Error('the imports were over before the calls: more disks are needed');
  };
  const imports = Array.from({ length: importsAtOnce }, work);
  await Promise.all([run().finally(() => (over = true)), ...imports]);
}
