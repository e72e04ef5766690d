import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { postgresMissing, startPostgres } from './fixtures/postgres.ts';
import { createTables } from './fixtures/run-servers.ts';
import { s3Missing, startS3Server, writeS3Place } from './fixtures/s3-server.ts';

/** Servers that the test files of a run share: what is not given each starts by itself. */
export interface Servers extends AsyncDisposable {
  /** Says to the tests where they are (test/fixtures/run-servers.ts). */
  readonly environment: Readonly<Record<string, string>>;
}

export interface WhichServers {
  readonly postgres: boolean;
  readonly s3: boolean;
}

/** Starts them, in temporary folders, on a unix socket and a port of loopback. They end with this process, however that ends. */
export async function startServers(which: WhichServers): Promise<Servers> {
  await using starting = new AsyncDisposableStack();
  const environment: Record<string, string> = {};
  if (which.postgres) {
    const { url } = starting.use(await startPostgres());
    Object.assign(environment, { OBRAZ_TEST_POSTGRES: url, OBRAZ_TEST_POSTGRES_TEMPLATE: await createTables(url) });
  }
  if (which.s3) {
    const server = starting.use(await startS3Server());
    const settings = await server.createBucket();
    environment.OBRAZ_TEST_S3 = writeS3Place({ settings, folder: server.folderOf(settings) });
  }
  const owned = starting.move();
  return { environment, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * `node test/servers.ts COMMAND...` runs a command on {PostgreSQL, S3} and ends them with it; without a command it says the
 * variables as a shell takes them, and ends at Ctrl-C.
 */
if (import.meta.main) {
  const missing = [postgresMissing, s3Missing].filter((reason) => reason !== false);
  if (missing.length > 0) throw new Error(missing.join('; '));
  await using servers = await startServers({ postgres: true, s3: true });
  const environment = { ...servers.environment, OBRAZ_TEST_ON: 'postgres+s3' };
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined) {
    for (const [name, value] of Object.entries(environment)) console.log(`export ${name}='${value}'`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } else {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
    process.on('SIGINT', () => {}); // the terminal tells the command, too, and we end with it
    [process.exitCode] = await once(child, 'exit');
  }
}
