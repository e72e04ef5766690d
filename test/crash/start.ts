import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Obraz } from '../fixtures/obraz.ts';
import { storageOf } from '../fixtures/service-storage.ts';
import type { ServeWithFaults, Serving } from './serve-with-faults.ts';

/** The process ended before it served: a fault did it, or a bug. */
export class EndedEarly extends Error {
  readonly signal: NodeJS.Signals | null;

  constructor(child: ChildProcess, log: string) {
    super(`the service ended with ${child.signalCode ?? child.exitCode} before it served:\n${log}`);
    this.name = 'EndedEarly';
    this.signal = child.signalCode;
  }
}

/** A service that can be told to fail, and when it did. */
export interface FaultyObraz extends Obraz {
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>;
  /** From now on its clock is so much ahead of the machine's, or behind it. */
  stepClock(byMs: number): void;
}

let spare: ChildProcess | undefined;

/** Starts the service with the faults that it is told. Throws EndedEarly when it dies first. Dispose it to kill it. */
export async function startWithFaults({
  roles = [],
  ...options
}: Omit<ServeWithFaults, 'environment' | 'roles'> & Partial<Pick<ServeWithFaults, 'roles'>>): Promise<FaultyObraz> {
  const storage = await storageOf(options.dataDirectory);
  const child = spare ?? spawnServer();
  spare = undefined;
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('spawned with pipes');
  let log = '';
  stderr.on('data', (data: Buffer) => {
    log += data;
  });
  stdin.write(`${JSON.stringify({ ...options, roles, environment: storage.environment })}\n`);
  child.ref();
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'close').then(() => {}) : undefined;
  const serving = new Promise<string>((resolve) => createInterface(stdout).once('line', resolve));
  const said = await Promise.race([serving, ended]);
  if (said === undefined) throw new EndedEarly(child, log);
  const { port, nodeId, folderId } = JSON.parse(said) as Serving; // what serve-with-faults.ts says
  const { dataDirectory } = options;
  async function end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
  return {
    endpoint: `127.0.0.1:${port}`,
    nodeId,
    folderId,
    dataDirectory,
    ca: await readFile(join(dataDirectory, 'tls', 'ca.pem'), 'utf8'),
    token: (await readFile(join(dataDirectory, 'credentials', 'admin.token'), 'utf8')).trim(),
    pid: child.pid ?? 0,
    storage,
    log: () => log,
    ended: Promise.resolve(ended),
    stepClock: (byMs) => void stdin.write(`${byMs}\n`),
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
    },
  };
}

/** Begins to load the process of the next start, beside what goes on now. */
export function prepareStart(): void {
  spare ??= spawnServer();
}

/** Ends what was prepared and not used. */
export function dropPrepared(): void {
  spare?.kill('SIGKILL');
  spare = undefined;
}

function spawnServer(): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'serve-with-faults.ts')], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
