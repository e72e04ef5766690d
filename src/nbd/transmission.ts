import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { MemoryBudget } from '../lib/memory-budget.ts';
import { ReadFailed } from './answer-read.ts';
import { answerRequest, cachedBytes } from './answer-request.ts';
import { FramePool, type KeptFrames } from './frame-pool.ts';
import type { Agreed } from './handshake.ts';
import { InFlight, type Share } from './in-flight.ts';
import type { NbdFigures } from './nbd-figures.ts';
import type { NbdLimits } from './nbd-limits.ts';
import { errorChunk, simpleReply } from './replies.ts';
import { allowedMs, ReplyWriter } from './reply-writer.ts';
import { checkRequest, parseRequest, payloadBytes, type Refusal, type Request, type RequestRules } from './request.ts';
import type { Reply, Served } from './served.ts';
import type { SocketReader } from './socket-reader.ts';
import { command, type ErrorName, maxPayloadBytes, requestHeaderBytes } from './transmission-numbers.ts';

export interface TransmissionOptions {
  readonly agreed: Agreed;
  readonly limits: NbdLimits;
  readonly common: MemoryBudget;
  readonly keptFrames: KeptFrames;
  readonly changeSignal: AbortSignal;
  readonly figures: NbdFigures;
  readonly log: Logger;
}

/** The payload of a refused write is read past if it is not longer, so that the client can be told why. */
const maxSkippedBytes = 2 * maxPayloadBytes;

/**
 * The use of an export by one connection. Requests run side by side and are answered in whatever order they end; as
 * long as a connection has all under way that it may have, nothing more is read of it.
 */
export class Transmission {
  readonly #stream: Socket;
  readonly #reader: SocketReader;
  readonly #writer: ReplyWriter;
  readonly #inFlight: InFlight;
  readonly #frames: FramePool;
  readonly #limits: NbdLimits;
  readonly #figures: NbdFigures;
  readonly #log: Logger;
  readonly #rules: RequestRules;
  readonly #served: Served;
  readonly #lost = new AbortController();
  /** When the payload that is being read has to be here. */
  #payloadDeadline = Number.POSITIVE_INFINITY;
  #wasUsed = false;
  #hasFailed = false;

  constructor({ agreed, limits, common, keptFrames, changeSignal, figures, log }: TransmissionOptions) {
    const { stream, reader, export: used, structuredReplies, allocation } = agreed;
    this.#stream = stream;
    this.#reader = reader;
    this.#writer = new ReplyWriter(stream, limits);
    this.#inFlight = new InFlight(limits, common);
    this.#frames = new FramePool(keptFrames);
    this.#limits = limits;
    this.#figures = figures;
    this.#log = log;
    this.#rules = {
      sizeBytes: used.device.sizeBytes,
      readOnly: used.readOnly,
      structuredReplies,
      allocation,
      zeroesFast: !used.readOnly && used.zeroesFast !== false,
    };
    this.#served = {
      device: used.device,
      writable: used.readOnly ? undefined : used.device,
      structuredReplies,
      frames: this.#frames,
      send: (reply) => this.#send(reply),
      readSignal: this.#lost.signal,
      changeSignal,
    };
  }

  /**
   * Serves the client until it disconnects, breaks the rules or is lost, or `end` is called. Then no call of the device
   * is under way any more; what was answered is on its way. Never throws.
   */
  async run(): Promise<void> {
    const lose = (): void => this.#lost.abort();
    this.#stream.once('close', lose);
    if (this.#stream.destroyed) lose();
    try {
      await this.#takeRequests();
    } catch (failure) {
      if (!this.#lost.signal.aborted) this.#log.error({ err: failure }, 'an NBD connection broke');
      this.#stream.destroy();
    }
    await this.#inFlight.none();
    this.#frames.clear();
    this.#stream.off('close', lose);
  }

  /** Takes no more requests; those under way end. */
  end(): void {
    this.#reader.stop();
  }

  /** Looks after the connection from time to time: cuts it if its client does not go on, and lets go of idle memory. */
  check(now: number): void {
    if (this.#stream.destroyed) return;
    if (now > this.#payloadDeadline || this.#writer.isStalled(now)) {
      this.#log.info('an NBD client was cut: it sent or took nothing for too long');
      this.#stream.destroy();
    }
    if (!this.#wasUsed) this.#frames.clear();
    this.#wasUsed = false;
  }

  async #takeRequests(): Promise<void> {
    for (;;) {
      const header = this.#reader.take(requestHeaderBytes) ?? (await this.#reader.read(requestHeaderBytes));
      if (header === undefined) return;
      const request = parseRequest(header);
      if (request === undefined) return this.#cut('a request without its magic');
      if (request.type === command.disconnect) return;
      if (!(await this.#takeRequest(request))) return;
    }
  }

  /** False if no other can follow. */
  async #takeRequest(request: Request): Promise<boolean> {
    this.#wasUsed = true;
    const refusal = checkRequest(request, this.#rules);
    const bytes = refusal === undefined ? memoryOf(request) : 0;
    const share = this.#inFlight.tryTake(bytes) ?? (await this.#inFlight.take(bytes, this.#lost.signal));
    let payload: Buffer | undefined | 'none to come' = 'none to come';
    try {
      payload = await this.#takePayload(request, refusal);
    } finally {
      if (payload === 'none to come') this.#inFlight.giveBack(share);
    }
    if (payload === 'none to come') return false;
    if (refusal === undefined) void this.#answer(request, payload, share);
    else {
      this.#figures.refused(request);
      this.#send({ bytes: this.#refuse(request, refusal.error, refusal.message) }, share);
    }
    return true;
  }

  async #takePayload(request: Request, refusal: Refusal | undefined): Promise<Buffer | undefined | 'none to come'> {
    const length = payloadBytes(request);
    if (length === 0) return undefined;
    if (length > maxSkippedBytes) {
      this.#cut('a write far beyond the largest request');
      return 'none to come';
    }
    this.#payloadDeadline = performance.now() + allowedMs(this.#limits, length);
    const payload = refusal === undefined ? Buffer.allocUnsafeSlow(length) : undefined;
    const isHere = await (payload === undefined ? this.#reader.skip(length) : this.#reader.readInto(payload));
    this.#payloadDeadline = Number.POSITIVE_INFINITY;
    return isHere ? payload : 'none to come';
  }

  async #answer(request: Request, payload: Buffer | undefined, share: Share): Promise<void> {
    const begunAt = this.#figures.begin();
    let reply: Reply;
    try {
      reply = await answerRequest(this.#served, request, payload);
      this.#figures.succeeded(request, begunAt);
    } catch (failure) {
      this.#figures.failed(request, begunAt);
      reply = { bytes: this.#fail(request, failure) };
    }
    this.#send(reply, share);
  }

  /** Sends a piece of a reply; with the last one goes its share, which is free when all pieces were taken. */
  #send({ bytes, frame }: Reply, share?: Share): void {
    this.#writer.write(bytes, (isSent) => {
      // Memory of what could not be sent may still be in the system's hands.
      if (frame !== undefined && isSent) this.#frames.giveBack(frame);
      if (share !== undefined) this.#inFlight.giveBack(share);
    });
  }

  #fail(request: Request, failure: unknown): Buffer {
    const { changeSignal } = this.#served;
    if (changeSignal.aborted) return this.#refuse(request, 'ESHUTDOWN', 'the server shuts down');
    const cause = failure instanceof ReadFailed ? failure.cause : failure;
    if (!this.#lost.signal.aborted) {
      const { type, offset, length } = request;
      this.#log[this.#hasFailed ? 'debug' : 'error']({ err: cause, type, offset, length }, 'an NBD request failed');
      this.#hasFailed = true;
    }
    const error = request.type !== command.read && isFull(cause) ? 'ENOSPC' : 'EIO';
    return this.#refuse(request, error, '', failure instanceof ReadFailed ? failure.offset : undefined);
  }

  #refuse(request: Request, error: ErrorName, message: string, offset?: number): Buffer {
    return this.#rules.structuredReplies ? errorChunk(request, error, message, offset) : simpleReply(request, error);
  }

  #cut(reason: string): void {
    this.#log.info({ reason }, 'an NBD client was cut');
    this.#stream.destroy();
  }
}

/** What a request keeps in memory until it is answered. */
function memoryOf({ type, length }: Request): number {
  if (type === command.read || type === command.write) return length;
  return type === command.cache ? Math.min(length, cachedBytes) : 0;
}

/** Whether a device failed for want of space, its own or what it may take. */
function isFull(failure: unknown): boolean {
  return failure instanceof Error && 'code' in failure && fullCodes.has(failure.code);
}

const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
