import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startCuttingProxy } from '../fixtures/cutting-proxy.ts';
import { startPostgres } from '../fixtures/postgres.ts';
import { createTables } from '../fixtures/run-servers.ts';
import { errorAnswer, flipped, type S3Answer, startS3Proxy } from '../fixtures/s3-proxy.ts';
import { startS3Server } from '../fixtures/s3-server.ts';
import { type ServiceStorage, sharedStorage } from '../fixtures/service-storage.ts';
import type { Node } from './nodes.ts';
import type { Random } from './random.ts';

/** The longest that a server is away or a line is dead. */
const longestMs = 1_500;
/** Steps of a process's clock. */
const clockStepsMs = [-3_600_000, -600_000, -20_000, 20_000, 600_000, 3_600_000];

/** A PostgreSQL and an S3 server that nobody else uses, the lines that lead to them, and what may become of both. */
export interface Ground extends AsyncDisposable {
  /** A new place on them, for whose processes all goes by these lines, and for the test directly; its database may have no tables yet. */
  createStorage(options: { readonly isEmpty: boolean }): Promise<ServiceStorage>;
  /** Lets one thing go wrong, and resolves when it is over; `say` is told what. */
  shake(random: Random, nodes: () => readonly Node[], say: (what: string) => void): Promise<void>;
}

export async function openGround(): Promise<Ground> {
  await using opening = new AsyncDisposableStack();
  const postgres = opening.use(await startPostgres());
  const s3 = opening.use(await startS3Server());
  const template = await createTables(postgres.url);
  const settings = await s3.createBucket();
  const socket = new URLSearchParams(postgres.url.split('?')[1]).get('host') ?? '';
  const toPostgres = opening.use(await startCuttingProxy({ path: join(socket, '.s.PGSQL.5432') }));
  const toS3 = opening.use(await startS3Proxy(s3.endpoint));
  const toS3Line = opening.use(
    await startCuttingProxy({ port: Number(new URL(toS3.endpoint).port), host: '127.0.0.1' }),
  );

  const someTime = (random: Random) => wait(random.below(longestMs));
  /** What the S3 server says is changed for a while; each answer once, so that who asks again gets the right one. */
  async function lie(random: Random, alter: (answer: S3Answer) => S3Answer): Promise<void> {
    const told = new Set<string>();
    toS3.trouble = ({ kind, path }) => {
      if (kind !== 'get' || told.has(path)) return undefined;
      told.add(path);
      return { alter };
    };
    await someTime(random);
    toS3.trouble = () => undefined;
  }

  const troubles: Readonly<Record<string, (random: Random, nodes: readonly Node[]) => Promise<void>>> = {
    'PostgreSQL dies and comes back': () => postgres.restart(),
    'connections to PostgreSQL break': async () => toPostgres.cut(),
    'nothing passes to PostgreSQL': (random) => held(toPostgres, random),
    'the S3 server dies and comes back': async (random) => {
      await s3.stop();
      await someTime(random);
      await s3.start();
    },
    'connections to S3 break': async () => toS3Line.cut(),
    'nothing passes to S3': (random) => held(toS3Line, random),
    'S3 is too busy': async (random) => {
      toS3.trouble = () => (random.chance(0.5) ? { answer: errorAnswer(503, 'SlowDown') } : undefined);
      await someTime(random);
      toS3.trouble = () => undefined;
    },
    'S3 loses answers': async (random) => {
      toS3.trouble = () => (random.chance(0.3) ? { breakAfter: -1 } : undefined);
      await someTime(random);
      toS3.trouble = () => undefined;
    },
    'S3 turns bits': (random) => lie(random, flipped),
    'S3 cuts its answers short': (random) =>
      lie(random, (answer) => ({ ...answer, body: answer.body.subarray(0, answer.body.length >> 1) })),
    'a clock is stepped': async (random, nodes) => {
      if (nodes.length > 0) random.pick(nodes).obraz.stepClock(random.pick(clockStepsMs));
    },
  };

  async function held(line: { hold(): void; release(): void }, random: Random): Promise<void> {
    line.hold();
    await someTime(random);
    line.release();
  }

  const owned = opening.move();
  return {
    async createStorage({ isEmpty }) {
      const folder = s3.folderOf(settings);
      const database = { url: postgres.url, template: isEmpty ? undefined : template };
      const direct = await sharedStorage(database, { settings, folder });
      const [, name] = /@\/(\w+)/.exec(direct.environment.OBRAZ_DATABASE_URL ?? '') ?? [];
      const environment = {
        ...direct.environment,
        OBRAZ_DATABASE_URL: `postgres://obraz@127.0.0.1:${toPostgres.port}/${name}`,
        AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${toS3Line.port}`,
      };
      return { ...direct, environment };
    },
    async shake(random, nodes, say) {
      await someTime(random);
      const [what, begin] = random.pick(Object.entries(troubles));
      say(what);
      await begin(random, nodes());
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
