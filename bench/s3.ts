import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { S3Settings } from '../src/blobs/s3/s3-settings.ts';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { type S3Call, startS3Proxy } from '../test/fixtures/s3-proxy.ts';
import { environmentOf, type S3Server, s3Missing, startS3Server } from '../test/fixtures/s3-server.ts';
import { importImage, openClient } from './bench-client.ts';
import type { BenchContext, Benchmark } from './benchmark.ts';
import { makeDisks } from './disks.ts';
import { measureProcess } from './process-usage.ts';
import { runProgram } from './run-program.ts';
import { median } from './statistics.ts';
import type { Table } from './table.ts';
import { startWebServer } from './web-server.ts';

/** What one run of an installation took, its packs here or there. */
interface Sample {
  readonly importSeconds: number;
  readonly importCpuSeconds: number;
  readonly importPeakMiB: number;
  /** The first read by a process, and one by the next process. */
  readonly readSeconds: number;
  readonly againSeconds: number;
}

/** Packs in a bucket of a real S3 server on this machine, beside packs in the data directory. */
export const s3Benchmark: Benchmark = {
  name: 's3',
  about: 'import, and read back, with the packs in an S3 bucket and in the data directory; requests per GiB',
  async run(context) {
    if (s3Missing !== false) {
      context.say(s3Missing);
      return [];
    }
    const { zlib } = await makeDisks(context);
    await using web = await startWebServer(join(zlib.path, '..'));
    const uri = `${web.origin}/${basename(zlib.path)}`;
    await using server = await startS3Server();
    const samples: Record<string, Sample[]> = { 'data directory': [], 'S3 bucket': [] };
    for (let run = 1; run <= context.runs; run += 1) {
      for (const [name, taken] of Object.entries(samples)) {
        context.say(`packs in the ${name}, ${run} of ${context.runs}`);
        const env = name === 'S3 bucket' ? environmentOf(await server.createBucket()) : {};
        taken.push(await measure(uri, env, context));
      }
    }
    const megabytes = zlib.dataBytes / 1e6;
    return [
      {
        title: `Packs here and in a bucket: ${Math.round(megabytes)} MB of data`,
        note: 'The S3 server is on this machine, its work beside ours. Reading: GET content by a process that has just begun; again: by the next one, which finds the copies of the first.',
        rows: Object.entries(samples).map(([way, taken]) => ({
          way,
          'import MB/s': megabytes / median(taken.map(({ importSeconds }) => importSeconds)),
          'CPU seconds': median(taken.map(({ importCpuSeconds }) => importCpuSeconds)),
          'peak MiB': median(taken.map(({ importPeakMiB }) => importPeakMiB)),
          'read MB/s': megabytes / median(taken.map(({ readSeconds }) => readSeconds)),
          'again MB/s': megabytes / median(taken.map(({ againSeconds }) => againSeconds)),
        })),
      },
      await countRequests(uri, server, context),
    ];
  },
};

async function measure(uri: string, env: Record<string, string>, { workFolder }: BenchContext): Promise<Sample> {
  const dataDirectory = join(workFolder, 'obraz');
  try {
    let imageId: string;
    let imported: Pick<Sample, 'importSeconds' | 'importCpuSeconds' | 'importPeakMiB'>;
    {
      await using obraz = await startObraz({ dataDirectory, env });
      using client = openClient(obraz);
      const usage = measureProcess(obraz.pid);
      const start = performance.now();
      imageId = await importImage(client, obraz, uri);
      const importSeconds = (performance.now() - start) / 1000;
      const { cpuSeconds, peakMiB } = usage();
      imported = { importSeconds, importCpuSeconds: cpuSeconds, importPeakMiB: peakMiB };
      await obraz.end();
    }
    const readSeconds = await readOnce(dataDirectory, env, imageId);
    const againSeconds = await readOnce(dataDirectory, env, imageId);
    return { ...imported, readSeconds, againSeconds };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

async function readOnce(dataDirectory: string, env: Record<string, string>, imageId: string): Promise<number> {
  await using obraz = await startObraz({ dataDirectory, env });
  const seconds = await read(obraz, imageId);
  await obraz.end();
  return seconds;
}

async function read({ endpoint, dataDirectory, token }: Obraz, imageId: string): Promise<number> {
  const address = `https://${endpoint}/obraz/v1/images/${imageId}/content`;
  const ca = join(dataDirectory, 'tls', 'ca.pem');
  const start = performance.now();
  await runProgram('curl', '-sf', '--cacert', ca, '-H', `authorization: Bearer ${token}`, '-o', '/dev/null', address);
  return (performance.now() - start) / 1000;
}

/** What a store that is paid by the request has to do. Not timed: all goes through a line that counts. */
async function countRequests(uri: string, server: S3Server, context: BenchContext): Promise<Table> {
  context.say('counting requests');
  await using proxy = await startS3Proxy(server.endpoint);
  const settings: S3Settings = { ...(await server.createBucket()), endpoint: proxy.endpoint };
  const rows: Record<string, string | number>[] = [];
  const dataDirectory = join(context.workFolder, 'obraz');
  let before = 0;
  const note = (way: string, storedBytes: number): void => {
    const kinds = Map.groupBy(proxy.calls.slice(before), ({ kind }) => kind);
    const perGiB = (...some: S3Call['kind'][]) => {
      const count = some.reduce((sum, kind) => sum + (kinds.get(kind)?.length ?? 0), 0);
      return (count * 2 ** 30) / storedBytes;
    };
    const writes = perGiB('put', 'create-upload', 'part', 'complete', 'list', 'list-uploads');
    rows.push({ way, 'PUT, POST, LIST': writes, 'GET, HEAD': perGiB('get', 'head') });
    before = proxy.calls.length;
  };
  try {
    await using obraz = await startObraz({ dataDirectory, env: environmentOf(settings) });
    using client = openClient(obraz);
    before = proxy.calls.length;
    const imageId = await importImage(client, obraz, uri);
    const folder = server.folderOf(settings);
    const storedBytes = Number.parseInt(await runProgram('du', '-sB1', join(folder, 'packs')), 10);
    note('import', storedBytes);
    await read(obraz, imageId);
    note('first read', storedBytes);
    await read(obraz, imageId);
    note('second read', storedBytes);
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
  return { title: 'Requests to the S3 server per GiB that is stored', note: 'As they are billed.', rows };
}
