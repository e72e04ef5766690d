import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { type HostPort, isLoopback } from '../lib/host-port.ts';
import type { TlsMode } from './handshake-state.ts';
import { NbdConnections, type NbdServerFigures } from './nbd-connections.ts';
import type { FindExport } from './nbd-export.ts';
import { defaultLimits, type NbdLimits } from './nbd-limits.ts';

/** The server's certificate with its chain, and its key; both PEM. */
export interface NbdCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface NbdServerOptions {
  readonly findExport: FindExport;
  /** Without one there is no TLS, and so no listening to other machines. */
  readonly tls: NbdCertificate | undefined;
  readonly log: Logger;
  readonly limits?: Partial<NbdLimits>;
}

/** Where to listen. What other machines can reach takes `required` only. */
export type NbdListenOptions = { readonly tls: TlsMode } & (
  | { readonly address: HostPort }
  | { readonly socketPath: string }
);

/** Serves block devices over NBD: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md. */
export interface NbdServer {
  /**
   * Takes clients at one place more; returns the address with the port that was really taken, or undefined for a unix
   * socket. Throws what the system says of the place, and RangeError for one where names would not be secret.
   */
  listen(where: NbdListenOptions): Promise<HostPort | undefined>;
  /** For handshakes from now on. */
  setCertificate(certificate: NbdCertificate): void;
  /** How many connections there are of each kind, now. */
  counts(): { readonly shakingHands: number; readonly clients: number };
  figures(): NbdServerFigures;
  /**
   * Ends in phases: no new connections, and none that has no export yet; requests under way are answered, no others;
   * after `graceMs` whoever is left is cut. Resolves when every export is disposed. May be called again.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const defaultGraceMs = 5_000;
const keepAliveDelayMs = 60_000;

/** Makes a server that listens nowhere yet. */
export function createNbdServer({ findExport, tls, log, limits }: NbdServerOptions): NbdServer {
  let context = tls === undefined ? undefined : createSecureContext(secured(tls));
  const servers: Server[] = [];
  const connections = new NbdConnections({
    findExport,
    log,
    limits: { ...defaultLimits, ...limits },
    secureContext: () => context,
  });
  return {
    async listen(where) {
      refuseUnsafe(where, context);
      const server = createServer(
        { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs },
        (socket) => connections.take(socket, where.tls),
      );
      if ('socketPath' in where) await listenOnSocket(server, where.socketPath);
      else await listenOnPort(server, where.address);
      servers.push(server);
      server.on('error', (error) => log.error({ err: error }, 'NBD connections can not be taken'));
      const bound = server.address();
      return typeof bound === 'object' && bound !== null && 'address' in where
        ? { host: where.address.host, port: bound.port }
        : undefined;
    },
    setCertificate(certificate) {
      context = createSecureContext(secured(certificate));
    },
    counts: () => connections.counts(),
    figures: () => connections.figures(),
    async close({ graceMs = defaultGraceMs } = {}) {
      for (const server of servers) server.close();
      await connections.close(graceMs);
    },
  };
}

/** The protocol knows TLS from 1.2 on. */
function secured({ cert, key }: NbdCertificate) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

function refuseUnsafe(where: NbdListenOptions, context: SecureContext | undefined): void {
  if (where.tls !== 'none' && context === undefined) throw new RangeError('TLS needs a certificate');
  if ('address' in where && where.tls !== 'required' && !isLoopback(where.address.host)) {
    throw new RangeError(`${where.address.host} can be reached by other machines: TLS must be required there`);
  }
}

async function listenOnPort(server: Server, { host, port }: HostPort): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

/** Takes the place of a socket that a server left behind which did not end by itself, and of nothing else. */
async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (await isLeftBehind(path)) await unlink(path);
  server.listen(path);
  await once(server, 'listening');
}

async function isLeftBehind(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return false;
  const socket: Socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
