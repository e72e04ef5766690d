import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { apiBenchmark } from './api.ts';
import type { BenchContext } from './benchmark.ts';
import { diskBenchmark } from './disk-calls.ts';
import { downloadBenchmark } from './download.ts';
import { importBenchmark } from './import.ts';
import { describeMachine } from './machine.ts';
import { nbdBenchmark } from './nbd.ts';
import { noticesBenchmark } from './notices.ts';
import { reimportBenchmark } from './reimport.ts';
import { s3Benchmark } from './s3.ts';
import { startBenchmark } from './start.ts';
import { formatTable, type Table } from './table.ts';
import { writeResults } from './write-results.ts';

/**
 * Measures a started service, and where there is one its peer beside it in the same run. Machines are noisy: each thing
 * is measured several times in turn (A B A B), and medians are shown. Nothing here passes or fails.
 */
const benchmarks = [
  importBenchmark,
  reimportBenchmark,
  apiBenchmark,
  downloadBenchmark,
  diskBenchmark,
  nbdBenchmark,
  s3Benchmark,
  noticesBenchmark,
  startBenchmark,
];

const usage = `npm run bench -- [--only NAME]... [--runs N] [--image FILE] [--data-mb N] [--folder DIR]

${benchmarks.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

  --only NAME   only this one; may be repeated
  --runs N      measure each thing N times (3)
  --image FILE  import this disk file (of any format that is read) in place of disks made for the purpose
  --data-mb N   file data in the disks that are made (600)
  --folder DIR  work and keep made disks here, on the file system to measure (the temporary folder)
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' },
    image: { type: 'string' },
    'data-mb': { type: 'string', default: '600' },
    folder: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});

const runs = Number(values.runs);
const dataMb = Number(values['data-mb']);
const chosen = benchmarks.filter(({ name }) => values.only?.includes(name) ?? true);
const unknown = values.only?.filter((name) => benchmarks.every((benchmark) => benchmark.name !== name)) ?? [];
if (values.help || unknown.length > 0 || !(runs >= 1) || !(dataMb >= 16)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}

const folder = resolve(values.folder);
const cacheFolder = join(folder, 'obraz-bench-cache');
await mkdir(cacheFolder, { recursive: true });
const workFolder = await mkdtemp(join(folder, 'obraz-bench-'));
const machine = describeMachine();
const { cpu, cores, memoryGiB, kernel, node, qemuImg, date, commit } = machine;
console.log(`${date}  obraz ${commit}  ${cores} x ${cpu}, ${memoryGiB} GiB  ${kernel}  node ${node}  ${qemuImg}\n`);
const context: BenchContext = {
  runs,
  workFolder,
  cacheFolder,
  image: values.image === undefined ? undefined : resolve(values.image),
  dataMb,
  say: (text) => console.error(`# ${text}`),
};

const tables: Table[] = [];
try {
  for (const benchmark of chosen) {
    context.say(`${benchmark.name}: ${benchmark.about}`);
    for (const table of await benchmark.run(context)) {
      console.log(`${formatTable(table)}\n`);
      tables.push(table);
    }
  }
} finally {
  await rm(workFolder, { recursive: true, force: true });
}
console.log(await writeResults(date, { machine, options: { runs, dataMb, image: context.image }, tables }));
