import { postgresMissing, startPostgres } from '../../test/fixtures/postgres.ts';

/** A database to measure on. */
export interface MeasuredDatabase {
  readonly name: string;
  readonly flag: string;
  /** Why it can't be had here. */
  readonly missing: string | false;
  start(folder: string): Promise<StartedDatabase>;
}

export interface StartedDatabase extends AsyncDisposable {
  /** Of an empty database; undefined for a file in the data directory. */
  newUrl(): Promise<string | undefined>;
}

/** As a small server would be set up; durable, unlike the tests'. */
const postgresSettings = [
  'shared_buffers=1GB',
  'max_wal_size=4GB',
  'maintenance_work_mem=512MB',
  'max_connections=100',
  'listen_addresses=',
];

export const databases: readonly MeasuredDatabase[] = [
  {
    name: 'SQLite',
    flag: 'sqlite',
    missing: false,
    start: async () => ({ newUrl: async () => undefined, async [Symbol.asyncDispose]() {} }),
  },
  {
    name: 'PostgreSQL',
    flag: 'postgres',
    missing: postgresMissing,
    async start(folder) {
      const server = await startPostgres({ isDurable: true, folder, settings: postgresSettings });
      return { newUrl: () => server.createDatabase(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  },
];
