import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addClientCommands } from './cli/client-commands.ts';
import { moveLeadingFlags } from './cli/leading-flags.ts';
import { reportFailure } from './cli/report-failure.ts';
import { createToAction, type ToAction } from './cli/run-command.ts';
import { readClientEnvironment, type ServeFlags } from './config.ts';

/** Runs `obraz` with these arguments and returns the exit code; docs/cli.md has what each code means. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  let exitCode = 0;
  const program = new Command('obraz')
    .description('Self-hosted VM image service')
    .version(packageVersion(), '--version')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride();
  addServe(program, async (flags) => {
    const { serve } = await import('./serve.ts');
    exitCode = await serve(flags);
  });
  const surroundings = {
    environment: readClientEnvironment(),
    terminal: { out: process.stdout, err: process.stderr },
    signal: interrupted.signal,
  };
  const toAction = createToAction(surroundings);
  // Only the first Ctrl-C is caught: whoever presses it again wants to leave at once.
  const catchInterrupt = () => process.once('SIGINT', () => interrupted.abort());
  const toInterruptible: ToAction = (work) => {
    const action = toAction(work);
    return async (...received) => {
      catchInterrupt();
      await action(...received);
    };
  };
  addClientCommands(program, toInterruptible, {
    async rebuild(flags) {
      catchInterrupt();
      const { rebuild } = await import('./rebuild.ts');
      exitCode = await rebuild(flags, interrupted.signal);
    },
    backups: {
      async backUp(file, flags) {
        catchInterrupt();
        const { backUp } = await import('./backup.ts');
        exitCode = await backUp(file, flags, interrupted.signal);
      },
      async restore(file, flags) {
        const { restore } = await import('./backup.ts');
        exitCode = await restore(file, flags);
      },
    },
    inspecting: {
      terminal: surroundings.terminal,
      signal: interrupted.signal,
      async inspect(path, options) {
        catchInterrupt();
        const { inspect } = await import('./inspect.ts');
        return await inspect(path, options);
      },
    },
  });
  try {
    await program.parseAsync(moveLeadingFlags(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportFailure(error, process.stderr, interrupted.signal);
  }
}

function addServe(program: Command, serve: (flags: ServeFlags) => Promise<void>): void {
  program
    .command('serve')
    .description('run the service')
    .option('--data <dir>', 'where everything is kept (OBRAZ_DATA, default ./.obraz)')
    .option(
      '--role <role>',
      'api, worker or block: what this process does, of several on one database and one bucket; repeat it (OBRAZ_ROLE, with commas, default all)',
      collect,
    )
    .option('--listen <host:port>', 'the port of gRPC and REST, TLS and plain (OBRAZ_LISTEN, default 127.0.0.1:8443)')
    .option('--nbd <host:port>', 'the port of NBD, for attached disks (OBRAZ_NBD, default 127.0.0.1:10809)')
    .option('--nbd-address <host:port>', 'where clients are told to find it, if not there (OBRAZ_NBD_ADDRESS)')
    .option(
      '--allow-source <source>',
      'HOST[:PORT] or CIDR that imports may read besides public addresses; repeat it (OBRAZ_ALLOW_SOURCE, with commas)',
      collect,
    )
    .option(
      '--link-base <url>',
      'what URLs of resources begin with in the Compute Engine API (OBRAZ_LINK_BASE, default https://www.googleapis.com/compute/v1)',
    )
    .option(
      '--object-store <url>',
      'where Compute Engine clients mean other buckets than ours: /BUCKET/OBJECT is put behind it (OBRAZ_OBJECT_STORE, default https://storage.googleapis.com)',
    )
    .option('--grpc <host:port>', 'a port for gRPC alone, besides --listen (OBRAZ_GRPC)')
    .option('--rest <host:port>', 'a port for REST alone, besides --listen (OBRAZ_REST)')
    .option('--metrics <host:port>', 'a port for /metrics alone, for scrapers of other machines (OBRAZ_METRICS)')
    .option(
      '--public-address <host:port>',
      'where clients are told to find the API, for proxies that hide where they came to (OBRAZ_PUBLIC_ADDRESS)',
    )
    .option('--tls-cert <file>', 'your own server certificate with its chain, PEM (OBRAZ_TLS_CERT)')
    .option('--tls-key <file>', 'its key, PEM; both are read again when they change (OBRAZ_TLS_KEY)')
    .option('--users <file>', 'users with their ids, logins and hashed OAuth tokens, YAML (OBRAZ_USERS)')
    .option('--tls-name <host>', 'another name for the server certificate; repeat it (OBRAZ_TLS_NAME)', collect)
    .option('--plaintext', 'take plain connections from other machines, too (OBRAZ_PLAINTEXT)')
    .option('--zone <zone>', 'a zone that disks can be in; repeat it (OBRAZ_ZONE, with commas)', collect)
    .option('--disk-type <type>', 'a type that disks can have; repeat it (OBRAZ_DISK_TYPE, with commas)', collect)
    .option(
      '--keep-deleted <hours>',
      'keep content that no image needs for a backup of the metadata (OBRAZ_KEEP_DELETED, default 24)',
    )
    .option(
      '--cache-size <size>',
      'what copies of packs in S3 may take of the disk: 20GB (OBRAZ_CACHE_SIZE, default a tenth of it)',
    )
    .option(
      '--uploads-size <size>',
      'how long all uploads may be together: 500GB (OBRAZ_UPLOADS_SIZE, default 8TB in S3, else what there is room for)',
    )
    .option(
      '--pool-size <size>',
      'what pooled images may take of the disk: 20GB (OBRAZ_POOL_SIZE, default a tenth of it)',
    )
    .option(
      '--quota <name=limit>',
      'what each cloud may use: compute.images.count=100, compute.ssdDisks.size=2TB; repeat it (OBRAZ_QUOTA, with commas)',
      collect,
    )
    .option('--audit-days <days>', 'how long it is kept who did what (OBRAZ_AUDIT_DAYS, default 365)')
    .option('--audit-records <number>', 'how many changes are kept at most (OBRAZ_AUDIT_RECORDS, default 250000)')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (OBRAZ_LOG_LEVEL, default info)')
    .action(async (flags: ServeFlags) => serve(flags));
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion ? String(manifest.version) : 'unknown';
}
