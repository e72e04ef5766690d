import { type Logger, pino, stdTimeFunctions } from 'pino';
import { BucketUnusable } from './blobs/bucket-unusable.ts';
import { type Config, ConfigInvalid, readConfig, type ServeFlags } from './config.ts';
import { DataDirectoryInUse } from './db/data-lock.ts';
import { DatabaseFailed } from './db/database-failed.ts';
import { CertificateUnusable } from './installation/certificate-files.ts';
import { InstallationBroken } from './installation/installation-broken.ts';
import { UsersFileInvalid } from './installation/users-file.ts';
import { isStorageFull } from './operations/failure.ts';
import { openService, type Service } from './service.ts';
import { describeStart } from './start-message.ts';

/** Exit codes of `obraz serve`. */
const exitCode = { ended: 0, failed: 1, usage: 2, inUse: 3, unusable: 4 } as const;

/** A shutdown that takes longer is ended; whoever started us may kill us soon after. */
const shutdownDeadlineMs = 9_500;
/** npm passes on a Ctrl-C that the terminal already sent to us: what comes so soon is the same key press. */
const sameSignalMs = 1_000;

/** Runs the service until a signal ends it, and returns the process's exit code. */
export async function serve(flags: ServeFlags): Promise<number> {
  const signals = listenForSignals();
  // Images and their metadata are nobody else's to read, also where the data directory itself is open to others.
  process.umask(0o077);
  try {
    const config = readConfig(flags);
    const log = createLogger(config);
    const giveUp = (error: unknown, message: string): never => {
      // What state we are in is unknown; what was promised is on disk, and the next start goes on from there.
      log.fatal({ err: error }, message);
      process.exit(exitCode.failed);
    };
    process.on('uncaughtException', (error) => giveUp(error, 'ended by an error that nobody caught'));
    const service = await openService(config, log, { onLost: (error) => giveUp(error, 'the database was lost') });
    process.stdout.write(describeStart(config, service));
    log.info({ signal: await signals.first }, 'stopping');
    return await close(service, log);
  } catch (error) {
    const { code, message } = explain(error);
    process.stderr.write(`ERROR: ${message}\n`);
    return code;
  }
}

/** Closes the service. The process ends when nothing holds it any more, and at the deadline in any case. */
async function close(service: Service, log: Logger): Promise<number> {
  let isClosed = false;
  const deadline = setTimeout(() => {
    const holders = process.getActiveResourcesInfo();
    if (isClosed) log.warn({ holders }, 'all is stopped, but something holds the process; it is ended');
    else log.error({ holders }, 'the shutdown takes too long; what is left is cut off');
    process.exit(isClosed ? exitCode.ended : exitCode.failed);
  }, shutdownDeadlineMs);
  await service.close();
  isClosed = true;
  deadline.unref();
  log.info('stopped');
  return exitCode.ended;
}

/** `first` resolves with the signal that ends us; a second one ends the process at once. */
function listenForSignals(): { readonly first: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let firstAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (firstAt !== undefined && Date.now() - firstAt > sameSignalMs) process.exit(exitCode.failed);
      firstAt ??= Date.now();
      resolve(signal);
    });
  }
  return { first: promise };
}

/** JSON on stderr; stdout is for people. */
function createLogger(config: Config): Logger {
  return pino(
    {
      level: config.logLevel,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

function explain(error: unknown): { code: number; message: string } {
  if (error instanceof ConfigInvalid) return { code: exitCode.usage, message: error.message };
  if (error instanceof DataDirectoryInUse) {
    return { code: exitCode.inUse, message: `${error.message}: another "obraz serve" runs on this data directory.` };
  }
  if (error instanceof CertificateUnusable || error instanceof UsersFileInvalid) {
    return { code: exitCode.usage, message: error.message };
  }
  if (error instanceof InstallationBroken || error instanceof BucketUnusable) {
    return { code: exitCode.unusable, message: error.message };
  }
  if (error instanceof Error && 'code' in error && 'address' in error && 'port' in error) {
    return { code: exitCode.failed, message: explainListenFailure(String(error.code), error.address, error.port) };
  }
  if (isStorageFull(error)) {
    const message = 'there is no space left for the data directory. Free some, or choose another with --data.';
    return { code: exitCode.unusable, message };
  }
  if (error instanceof DatabaseFailed) {
    return { code: exitCode.unusable, message: `the metadata cannot be used: ${error.message}` };
  }
  if (error instanceof Error && 'syscall' in error) return { code: exitCode.failed, message: error.message };
  // What nobody foresaw is a bug, and its stack is what a report of it needs.
  return { code: exitCode.failed, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function explainListenFailure(code: string, address: unknown, port: unknown): string {
  const place = `${address}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is taken: end what listens there, or choose another with --listen, or with --nbd if it is the one of NBD.`;
    case 'EACCES':
      return `${place} may not be listened on by this user: ports below 1024 are reserved. Choose another with --listen, or with --nbd if it is the one of NBD.`;
    case 'EADDRNOTAVAIL':
      return `${place} is no address of this machine. Choose another with --listen, or with --nbd if it is the one of NBD.`;
    default:
      return `cannot listen on ${place}: ${code}`;
  }
}
