import pg from 'pg';
import { type PostgresServer, postgresMissing, startPostgres } from '../test/fixtures/postgres.ts';
import type { Benchmark } from './benchmark.ts';
import { median } from './statistics.ts';

const connections = 16;
const secondsEach = 2;

/** Of so many commits one has something to tell; none with 0. */
const shares = { none: 0, 'one in ten': 10, each: 1 } as const;
type Share = keyof typeof shares;

/** PostgreSQL lets those who have notices to tell commit one after the other: what that costs everybody's short commits. */
export const noticesBenchmark: Benchmark = {
  name: 'notices',
  about: `short commits by ${connections} connections to PostgreSQL, with and without notices of changes`,
  async run({ runs, say }) {
    if (postgresMissing !== false) {
      say(postgresMissing);
      return [];
    }
    const rows: Record<string, string | number>[] = [];
    for (const isDurable of [true, false]) {
      await using server = await startPostgres({ isDurable });
      const rates: Record<Share, number[]> = { none: [], 'one in ten': [], each: [] };
      await prepare(server);
      for (let run = 0; run < runs; run += 1) {
        for (const share of ['none', 'one in ten', 'each'] as const)
          rates[share].push(await measure(server, shares[share]));
      }
      for (const share of ['none', 'one in ten', 'each'] as const) {
        const rate = median(rates[share]);
        const all = rates[share].map((each) => each.toFixed(0)).join(' ');
        rows.push({
          'that tell': share,
          synced: isDurable ? 'yes' : 'no',
          'commits/s': rate,
          'against none': rate / median(rates.none),
          'all commits/s': all,
        });
      }
    }
    return [{ title: `Short commits, ${connections} connections, one listener`, rows }];
  },
};

async function connect({ url }: PostgresServer): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  const client = new pg.Client(url);
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

async function prepare(server: PostgresServer): Promise<void> {
  await using opened = await connect(server);
  await opened.client.query('create table committed (id bigint generated always as identity, text text)');
}

/** Commits a second. */
async function measure(server: PostgresServer, oneIn: number): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const listener = opened.use(await connect(server));
  await listener.client.query('listen obraz');
  const writers = [];
  for (let index = 0; index < connections; index += 1) writers.push(opened.use(await connect(server)));
  const start = performance.now();
  const counts = await Promise.all(
    writers.map(async ({ client }) => {
      let commits = 0;
      for (; performance.now() - start < secondsEach * 1_000; commits += 1) {
        const tells = oneIn > 0 && commits % oneIn === 0;
        const insert = `insert into committed (text) values ('some text')`;
        await client.query(tells ? `${insert}; select pg_notify('obraz', 'bench ${commits}')` : insert);
      }
      return commits;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - start) / 1_000);
}
