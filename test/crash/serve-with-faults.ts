import { enableCompileCache } from 'node:module';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Fault } from './faults.ts';

/** What the first line of stdin says. The process loads itself before, so that a start is quick when it is wanted. */
export interface ServeWithFaults {
  readonly dataDirectory: string;
  /** What it does of what the processes do; none for all. */
  readonly roles: readonly string[];
  /** What says where metadata and packs are kept, and nothing of this process's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly fault?: Fault;
  readonly pointsFile?: string;
  /** How often garbage is collected, and how soon after there is some. What was deleted is not kept. */
  readonly collector: { readonly everyMs: number; readonly soonMs: number };
}

/** What the first line of stdout says, once it serves. */
export interface Serving {
  /** Of the API; undefined for a process that has none. */
  readonly port: number | undefined;
  readonly nodeId: string;
  readonly folderId: string;
}

/**
 * `obraz serve` as tests of crashes start it: the same service, with the calls to the system and the database wrapped
 * from the outside. Says on stdout where it serves; ends in order on SIGTERM.
 */
enableCompileCache(join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'obraz'));
const { Faults } = await import('./faults.ts');
const { interceptFiles } = await import('./intercept-files.ts');
const { interceptPostgres } = await import('./intercept-postgres.ts');
const { interceptS3 } = await import('./intercept-s3.ts');
const { interceptSqlite } = await import('./intercept-sqlite.ts');
const { stepClock } = await import('./step-clock.ts');
const { pino } = await import('pino');
const { readConfig } = await import('../../src/config.ts');
const { collectorDefaults } = await import('../../src/volumes/collector.ts');
const { openService } = await import('../../src/service.ts');

const lines = createInterface(process.stdin);
const line = await new Promise<string>((resolve) => lines.once('line', resolve));
// What follows is steps of the clock.
lines.on('line', (byMs) => stepClock(Number(byMs)));
process.stdin.unref?.();
const wanted = JSON.parse(line) as ServeWithFaults; // written by start.ts, and by nobody else
const { dataDirectory, environment, fault, pointsFile, collector, roles } = wanted;
// From the outside, too: the service asks for these when it starts, and needs no option that only tests would set.
Object.assign(collectorDefaults, collector);
const faults = new Faults({ fault, pointsFile });
interceptSqlite((point, run) => faults.around(point, run));
interceptPostgres((point, run) => faults.around(point, run));
interceptS3(
  (point, run) => faults.around(point, run),
  (key) => withoutIds(key.replace(/^test-[0-9a-f]+\//, '')),
);
interceptFiles((call, run) => {
  const names = [call.path, call.to].flatMap((path) => (path === undefined ? [] : [nameOf(path)]));
  if (names.some((name) => name.startsWith('..'))) return run();
  return faults.around(`${call.operation} ${names.join(' > ')}`, run);
});

/** The path in the data directory, with `*` for names that are different every time. */
function nameOf(path: string): string {
  return withoutIds(relative(dataDirectory, path) || '.');
}

function withoutIds(name: string): string {
  return name
    .replace(/^packs\/[0-9a-f]{2}(?=\/|$)/, 'packs/*')
    .replaceAll(/(?<![a-z0-9])([0-9a-f]{24}|[a-z][a-z0-9]{19})(?![a-z0-9])/g, '*');
}

const config = readConfig(
  {
    data: dataDirectory,
    listen: '127.0.0.1:0',
    role: roles,
    allowSource: ['127.0.0.1'],
    keepDeleted: '0',
    logLevel: 'warn',
  },
  environment,
);
const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'ended by an error that nobody caught');
  process.exit(1);
});
const service = await openService(config, log);
process.on('SIGTERM', async () => {
  await service.close();
  process.exit(0);
});
const { address, nodeId, folderId } = service;
process.stdout.write(`${JSON.stringify({ port: address?.port, nodeId, folderId } satisfies Serving)}\n`);
