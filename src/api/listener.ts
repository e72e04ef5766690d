import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import { type HostPort, isLoopback } from '../lib/host-port.ts';
import { installationName } from '../lib/installation-name.ts';
import { type Protocol, sniffProtocol } from './first-bytes.ts';
import { http11Required, inadequateSecurity, refuseHttp1, refuseHttp2 } from './refuse-connection.ts';

/** The server's certificate with its chain, and its key; both PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface ListenerOptions {
  readonly address: HostPort;
  readonly certificate: ServerCertificate;
  /** Shown to who asks for the installation by its name: lib/installation-name.ts. */
  readonly installationCertificate?: ServerCertificate;
  /** Whether plain connections from other machines are taken, too; from this one they always are. */
  readonly plaintext: boolean;
  /** Take connections with TLS off; without one of them its clients are told that they are wrong here. */
  readonly grpc: { accept(connection: Duplex): void } | undefined;
  readonly rest: { accept(connection: Duplex): void } | undefined;
  readonly log: Logger;
  /** Time for a client to say its first bytes, and again for the TLS handshake. */
  readonly handshakeMs?: number;
}

/** A port. */
export interface Listener {
  /** With the port that was really taken. */
  readonly address: HostPort;
  /** Connections that are open, whatever they speak. */
  readonly openCount: number;
  /** For connections from now on. */
  setCertificate(certificate: ServerCertificate): void;
  /** Takes no more connections; those it took live on. */
  stopAccepting(): void;
  /** Cuts every connection that is left, whoever has it. */
  destroyConnections(): void;
}

const defaultHandshakeMs = 10_000;
/** One more is closed at once. */
export const maxConnections = 4096;
const keepAliveDelayMs = 60_000;

/**
 * One port for everything, sorted by the first bytes of a connection:
 *
 *   0x16                   TLS; then by ALPN: http/1.1 if the client offers it, else h2; without ALPN by its first bytes
 *   "PRI * HTTP/2.0 ..."   plain HTTP/2, that is gRPC
 *   anything else          plain HTTP/1.1, that is REST
 *
 * Throws what the system says of the address.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { address, handshakeMs = defaultHandshakeMs } = options;
  const tls = createTlsOpener(options, handshakeMs);
  const open = new Set<Socket>();
  const sort = async (socket: Socket): Promise<void> => {
    const protocol = await sniffProtocol(socket, handshakeMs);
    // HTTP/1.1 clients may end their side once they have asked; in the others half a connection is a broken one.
    socket.allowHalfOpen = protocol === 'http1';
    if (protocol === undefined) socket.destroy();
    else if (protocol === 'tls') tls.emit('connection', socket);
    else if (options.plaintext || isFromHere(socket)) handOn(options, socket, protocol);
    else refuse(socket, protocol, { message: tlsNeeded, errorCode: inadequateSecurity });
  };
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs },
    (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => {}); // 'close' follows, and says all that matters
      sort(socket).catch((error: unknown) => cut(options.log, socket, error));
    },
  );
  server.maxConnections = maxConnections;
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return {
    address: { host: address.host, port },
    get openCount() {
      return open.size;
    },
    setCertificate: (certificate) => tls.setSecureContext(certificate),
    stopAccepting: () => void server.close(),
    destroyConnections() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** Takes TLS off connections that are emitted at it, and hands them on. It listens on no port of its own. */
function createTlsOpener(options: ListenerOptions, handshakeMs: number): TlsServer {
  const { grpc, rest, certificate, installationCertificate } = options;
  const protocols = [...(rest === undefined ? [] : ['http/1.1']), ...(grpc === undefined ? [] : ['h2'])];
  const tls = createTlsServer({ ...certificate, ALPNProtocols: protocols, handshakeTimeout: handshakeMs });
  if (installationCertificate !== undefined) tls.addContext(installationName, installationCertificate);
  const sort = async (socket: TLSSocket): Promise<void> => {
    const agreed = socket.alpnProtocol;
    const protocol = agreed === 'h2' ? 'http2' : agreed ? 'http1' : await sniffProtocol(socket, handshakeMs);
    // Another TLS handshake inside of TLS is nothing we speak.
    if (protocol === undefined || protocol === 'tls') socket.destroy();
    else handOn(options, socket, protocol);
  };
  tls.on('secureConnection', (socket) => {
    socket.on('error', () => {}); // as above
    sort(socket).catch((error: unknown) => cut(options.log, socket, error));
  });
  tls.on('tlsClientError', (error, socket) => {
    options.log.debug({ err: error, peer: socket.remoteAddress }, 'TLS handshake failed');
    socket.destroy();
  });
  return tls;
}

/** A connection that a door could not take is one client's trouble, and no reason to end the service. */
function cut(log: Logger, socket: Socket, error: unknown): void {
  log.error({ err: error, peer: socket.remoteAddress }, 'a connection could not be taken');
  socket.destroy();
}

function handOn({ grpc, rest }: ListenerOptions, connection: Duplex, protocol: Exclude<Protocol, 'tls'>): void {
  const door = protocol === 'http2' ? grpc : rest;
  if (door !== undefined) door.accept(connection);
  else refuse(connection, protocol, { message: protocol === 'http2' ? onlyRest : onlyGrpc, errorCode: http11Required });
}

const tlsNeeded = 'This port takes plain connections from its own machine only: use TLS (https)';
const onlyRest = 'This port speaks REST over HTTP/1.1 only: use the gRPC port';
const onlyGrpc = 'This port speaks gRPC only: use the REST port';

function refuse(
  connection: Duplex,
  protocol: Exclude<Protocol, 'tls'>,
  { message, errorCode }: { readonly message: string; readonly errorCode: number },
): void {
  if (protocol === 'http2') refuseHttp2(connection, errorCode, message);
  else refuseHttp1(connection, { status: 400, code: 'FAILED_PRECONDITION', reason: 'WRONG_PROTOCOL', message });
}

/** Whether the other end is on this machine. An IPv4 address may come in its IPv6 form. */
function isFromHere({ remoteAddress = '' }: Socket): boolean {
  return isLoopback(remoteAddress.replace(/^::ffff:/i, ''));
}
