import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchContext } from '../benchmark.ts';
import { makeDistinctDisks } from '../disks.ts';
import { describeMachine } from '../machine.ts';
import { formatTable, type Table } from '../table.ts';
import { startWebServer } from '../web-server.ts';
import { writeResults } from '../write-results.ts';
import { databases } from './databases.ts';
import { measureInstallation, type ScaleContext } from './measure-installation.ts';
import type { Figure, Sizes } from './sizes.ts';

/**
 * Measures an installation with much in it beside one with little, in the same run: what matters is how far they differ.
 * Nothing here passes or fails.
 */
const usage = `npm run bench:scale -- [--images N] [--chunks N] [--disks N] [--only sqlite|postgres] [--data-mb N] [--folder DIR]

  --images N    images in the folder (1000000)
  --chunks N    chunks in the index (10000000)
  --disks N     disks of one image (10000)
  --only NAME   on this database only
  --data-mb N   file data in each disk that is imported (250)
  --folder DIR  work and keep made disks here, on the file system to measure (the temporary folder); 8 GB for the usual sizes
`;

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000000' },
    chunks: { type: 'string', default: '10000000' },
    disks: { type: 'string', default: '10000' },
    only: { type: 'string' },
    'data-mb': { type: 'string', default: '250' },
    folder: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});
const full: Sizes = { images: Number(values.images), chunks: Number(values.chunks), disks: Number(values.disks) };
/** What all is compared with: a page of images, and next to nothing. */
const small: Sizes = { images: 1_000, chunks: 1_000, disks: 10 };
const dataMb = Number(values['data-mb']);
const chosen = databases.filter(({ flag }) => values.only === undefined || values.only === flag);
const areSizes = [full.images >= 1_000, full.chunks >= 1_000, full.disks >= 10, dataMb >= 16];
if (values.help || chosen.length === 0 || areSizes.includes(false)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const folder = resolve(values.folder);
const cacheFolder = join(folder, 'obraz-bench-cache');
await mkdir(cacheFolder, { recursive: true });
const workFolder = await mkdtemp(join(folder, 'obraz-scale-'));
const machine = describeMachine();
console.log(`${machine.date}  obraz ${machine.commit}  ${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB\n`);
const say = (text: string) => console.error(`# ${new Date().toISOString().slice(11, 19)} ${text}`);
const bench: BenchContext = { runs: 1, workFolder, cacheFolder, image: undefined, dataMb, say };

const tables: Table[] = [];
try {
  await using web = await startWebServer(cacheFolder);
  const disks = await makeDistinctDisks(bench, 4, dataMb);
  const context: ScaleContext = { web, disks, say };
  for (const { name, missing, start } of chosen) {
    if (missing !== false) {
      say(missing);
      continue;
    }
    await using database = await start(folder);
    const measure = async (sizes: Sizes): Promise<Figure[]> => {
      say(
        `${name}: ${Object.entries(sizes)
          .map((size) => size.reverse().join(' '))
          .join(', ')}`,
      );
      const dataDirectory = join(workFolder, `${name}-${sizes.images}`);
      return measureInstallation({ dataDirectory, databaseUrl: await database.newUrl() }, sizes, context);
    };
    const table = compare(name, await measure(small), await measure(full));
    console.log(`${formatTable(table)}\n`);
    tables.push(table);
  }
} finally {
  await rm(workFolder, { recursive: true, force: true });
}
console.log(await writeResults(`scale-${machine.date}`, { machine, options: { ...full, dataMb }, tables }));

function compare(name: string, little: readonly Figure[], much: readonly Figure[]): Table {
  const before = new Map(little.map(({ what, value }) => [what, value]));
  const words = ({ images, chunks, disks }: Sizes) =>
    [`${images} images`, `${chunks} chunks`, `${disks} disks`].join(', ');
  return {
    title: `On ${name}: ${words(full)}`,
    note: `Beside ${words(small)}. The benchmark shares the cores with the service.`,
    rows: much.map(({ what, unit, value }) => {
      const small = before.get(what);
      return { what, unit, small, full: value, ratio: small === undefined ? undefined : value / small };
    }),
  };
}
