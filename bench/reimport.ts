import { basename } from 'node:path';
import { type Obraz, startObraz } from '../test/fixtures/obraz.ts';
import { importImage, openClient, storedBytes } from './bench-client.ts';
import type { Benchmark } from './benchmark.ts';
import { type DiskFile, makeDisks } from './disks.ts';
import { startWebServer } from './web-server.ts';

/** What further images cost when the store has ones like them. */
export const reimportBenchmark: Benchmark = {
  name: 'reimport',
  about: 'bytes that are new when the same disk, or the next build of it, is imported again',
  async run(context) {
    const disks = await makeDisks(context);
    await using server = await startWebServer(disks.folder);
    await using obraz = await startObraz();
    const rows = [];
    let firstBytes = 0;
    for (const [what, disk] of [
      ['first import', disks.zlib],
      ['the same file', disks.zlib],
      ['the same disk, other file', disks.zstd],
      ['the next build', disks.rebuilt],
    ] as const) {
      const { seconds, newBytes } = await importAndCount(obraz, server.origin, disk);
      firstBytes ||= newBytes;
      rows.push({
        image: what,
        file: disk.name,
        seconds,
        'MB/s': disk.dataBytes / 1e6 / seconds,
        'new MB': newBytes / 1e6,
        'of the first': `${((100 * newBytes) / firstBytes).toFixed(1)} %`,
      });
    }
    return [{ title: 'Images after the first one', note: 'New bytes: what the packs grew by. One run.', rows }];
  },
};

async function importAndCount(obraz: Obraz, origin: string, disk: DiskFile) {
  using client = openClient(obraz);
  const before = await storedBytes(obraz);
  const start = performance.now();
  await importImage(client, obraz, `${origin}/${basename(disk.path)}`);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, newBytes: (await storedBytes(obraz)) - before };
}
