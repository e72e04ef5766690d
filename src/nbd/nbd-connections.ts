import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { MemoryBudget } from '../lib/memory-budget.ts';
import type { KeptFrames } from './frame-pool.ts';
import { type Agreed, shakeHands } from './handshake.ts';
import type { TlsMode } from './handshake-state.ts';
import type { FindExport } from './nbd-export.ts';
import { type NbdCommandFigures, NbdFigures } from './nbd-figures.ts';
import type { NbdLimits } from './nbd-limits.ts';
import { Transmission } from './transmission.ts';

export interface NbdConnectionsOptions {
  readonly findExport: FindExport;
  readonly limits: NbdLimits;
  readonly secureContext: () => SecureContext | undefined;
  readonly log: Logger;
}

/** What there is now, and what was done since the start. */
export interface NbdServerFigures {
  readonly shakingHands: number;
  readonly clients: number;
  /** What large requests of all connections share. */
  readonly memory: Pick<MemoryBudget, 'totalBytes' | 'freeBytes' | 'waitingCount'>;
  /** Memory kept for the next replies. */
  readonly keptBytes: number;
  readonly commands: readonly NbdCommandFigures[];
}

/** How often connections are looked after. */
const checkMs = 1_000;

/** How long a client may take to close its side once all is said. */
const lingerMs = 1_000;

/** How long a client may still take its replies once its export is revoked. */
const revokedMs = 5_000;

/** All connections of a server, from the first byte to the disposal of what they used. */
export class NbdConnections {
  readonly #options: NbdConnectionsOptions;
  readonly #common: MemoryBudget;
  readonly #keptFrames: KeptFrames = { bytes: 0 };
  readonly #figures = new NbdFigures();
  /** Oldest first. */
  readonly #shakingHands = new Set<Socket>();
  readonly #transmissions = new Set<Transmission>();
  readonly #sockets = new Map<Socket, Promise<void>>();
  readonly #cut = new AbortController();
  readonly #checks: NodeJS.Timeout;
  #isClosing = false;

  constructor(options: NbdConnectionsOptions) {
    this.#options = options;
    this.#common = new MemoryBudget(options.limits.sharedBytes);
    this.#checks = setInterval(() => this.#check(), Math.min(checkMs, options.limits.stallMs)).unref();
  }

  counts(): { shakingHands: number; clients: number } {
    return { shakingHands: this.#shakingHands.size, clients: this.#transmissions.size };
  }

  figures(): NbdServerFigures {
    return {
      ...this.counts(),
      memory: this.#common,
      keptBytes: this.#keptFrames.bytes,
      commands: this.#figures.commands(),
    };
  }

  /** Takes a new connection, whatever becomes of it. */
  take(socket: Socket, tlsMode: TlsMode): void {
    socket.on('error', () => {}); // 'close' follows, and says all that matters
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    if (this.#shakingHands.size >= this.#options.limits.shakingHands) {
      const [oldest] = this.#shakingHands;
      oldest?.destroy();
      if (oldest !== undefined) this.#shakingHands.delete(oldest);
    }
    const served = this.#serve(socket, tlsMode).catch((failure: unknown) => {
      this.#options.log.error({ err: failure, peer: socket.remoteAddress }, 'an NBD connection failed');
      socket.destroy();
    });
    this.#sockets.set(
      socket,
      served.finally(() => this.#sockets.delete(socket)),
    );
  }

  /** See `NbdServer.close`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const socket of this.#shakingHands) socket.destroy();
    for (const transmission of this.#transmissions) transmission.end();
    const late = setTimeout(() => {
      this.#cut.abort(new Error('the NBD server was closed'));
      for (const socket of this.#sockets.keys()) socket.destroy();
    }, graceMs);
    await Promise.all(this.#sockets.values());
    clearTimeout(late);
    clearInterval(this.#checks);
  }

  async #serve(socket: Socket, tlsMode: TlsMode): Promise<void> {
    const agreed = await this.#shakeHands(socket, tlsMode);
    if (agreed !== undefined) {
      try {
        await this.#transmit(agreed);
      } finally {
        // Before the connection ends: a client that sees its end can attach again at once.
        await agreed.export[Symbol.asyncDispose]();
      }
    }
    await endConnection(agreed?.stream ?? socket);
  }

  async #shakeHands(socket: Socket, tlsMode: TlsMode): Promise<Agreed | undefined> {
    const { findExport, secureContext, limits } = this.#options;
    const gone = new AbortController();
    const leave = (): void => gone.abort(new Error('the NBD client is gone'));
    const late = setTimeout(() => socket.destroy(), limits.handshakeMs);
    this.#shakingHands.add(socket);
    socket.once('close', leave);
    try {
      return await shakeHands(socket, {
        findExport,
        tlsMode,
        secureContext,
        peerAddress: socket.remoteAddress,
        maxOptions: limits.options,
        hasRoom: () => this.#transmissions.size < limits.clients,
        signal: gone.signal,
      });
    } catch (failure) {
      if (gone.signal.aborted) return undefined; // whatever it was, it was for a client that is gone
      throw failure;
    } finally {
      clearTimeout(late);
      socket.off('close', leave);
      this.#shakingHands.delete(socket);
    }
  }

  async #transmit(agreed: Agreed): Promise<void> {
    const { limits, log } = this.#options;
    const { revoked } = agreed.export;
    const transmission = new Transmission({
      agreed,
      limits,
      common: this.#common,
      keptFrames: this.#keptFrames,
      figures: this.#figures,
      changeSignal: this.#cut.signal,
      log: log.child({ peer: agreed.stream.remoteAddress }),
    });
    let late: NodeJS.Timeout | undefined;
    const end = (): void => {
      transmission.end();
      late = setTimeout(() => agreed.stream.destroy(), revokedMs);
    };
    this.#transmissions.add(transmission);
    revoked?.addEventListener('abort', end, { once: true });
    if (this.#isClosing || revoked?.aborted === true) end();
    await transmission.run();
    clearTimeout(late);
    revoked?.removeEventListener('abort', end);
    this.#transmissions.delete(transmission);
  }

  #check(): void {
    const now = performance.now();
    for (const transmission of this.#transmissions) transmission.check(now);
  }
}

/** Sends what is left and the end; what the client still sends is read past, as it would else never see the end. */
async function endConnection(stream: Socket): Promise<void> {
  if (stream.destroyed) return;
  const late = setTimeout(() => stream.destroy(), lingerMs);
  const closed = once(stream, 'close');
  stream.end();
  stream.resume();
  await closed;
  clearTimeout(late);
}
