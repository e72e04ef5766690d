import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { ApiService } from './api-service.ts';
import { createReflection } from './grpc-reflection.ts';
import { grpcService } from './grpc-service.ts';
import type { PipelineDeps } from './pipeline.ts';
import { unprefixed } from './unprefixed-names.ts';
import type { UnsentReplies } from './unsent-replies.ts';
import { watchReplies } from './watch-replies.ts';

/** Requests of the API are a few hundred bytes; this is the limit that clients know from everywhere else. */
const maxMessageBytes = 4 * 1024 * 1024;
const maxStreamsPerConnection = 100;
/** A connection without a call for so long is closed in order; clients connect again by themselves. */
const idleConnectionMs = 30 * 60 * 1000;

/** The gRPC door: takes connections that speak HTTP/2, with TLS already off. */
export interface GrpcDoor {
  accept(connection: Duplex): void;
  /** Connections that are open. */
  readonly openCount: number;
  /** Says to the health service's watchers that no new work is taken. */
  stopServing(): void;
  /** Lets running calls end for at most so long, then cuts. Resolves when all connections are gone. */
  close(options: { graceMs: number }): Promise<void>;
}

/** Each service answers under its own name and the neutral one, beside health and reflection. */
export function createGrpcDoor(
  deps: PipelineDeps & { readonly unsent: UnsentReplies },
  services: readonly ApiService[],
): GrpcDoor {
  const open = new Set<Duplex>();
  const cut = (peer: string) => {
    for (const connection of open) if (peerOf(connection) === peer) connection.destroy();
  };
  const server = new Server({
    interceptors: [watchReplies(deps.unsent, cut)],
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': maxStreamsPerConnection,
    'grpc.max_connection_idle_ms': idleConnectionMs,
    'grpc.enable_channelz': 0,
  });
  const names = services.flatMap((service) => {
    const { typeName } = service.desc;
    const neutral = unprefixed(typeName);
    return [typeName, ...(neutral === undefined ? [] : [neutral])].map((name) => ({ name, service }));
  });
  for (const { name, service } of names) {
    const { definition, handlers } = grpcService(deps, service, name);
    server.addService(definition, handlers);
  }
  // '' stands for the server as a whole.
  const health = new HealthImplementation(
    Object.fromEntries(['', ...names.map(({ name }) => name)].map((name) => [name, 'SERVING' as const])),
  );
  health.addToServer(server);
  createReflection(services).addToServer(server);

  // TLS is the listener's: what comes here is plain to grpc-js.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    get openCount() {
      return open.size;
    },
    accept(connection) {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      injector.injectConnection(connection);
    },
    stopServing() {
      for (const name of ['', ...names.map((entry) => entry.name)]) health.setStatus(name, 'NOT_SERVING');
    },
    async close({ graceMs }) {
      injector.drain(graceMs);
      const closed = [...open].map((connection) => new Promise<void>((resolve) => connection.once('close', resolve)));
      await Promise.all(closed);
      server.forceShutdown();
    },
  };
}

/** The other end, as the library names it. */
function peerOf(connection: Duplex): string | undefined {
  if (!(connection instanceof Socket)) return undefined;
  return `${connection.remoteAddress}:${connection.remotePort}`;
}
