import type { Logger } from 'pino';
import type { StatusCode } from '../errors.ts';
import type { CallFigures } from './call-figures.ts';
import { type HeaderLookup, type RequestIds, requestIds } from './request-ids.ts';

/** How a call ended, for the log. */
export interface CallEnd {
  readonly code: 'OK' | StatusCode;
  /** The stable reason of a failure. */
  readonly reason?: string;
  /** What went wrong inside, when the caller was only told INTERNAL or the like. */
  readonly cause?: unknown;
  /** Bytes of content that were sent, or taken. */
  readonly bytes?: number;
}

/** Where calls are noted. */
export interface CallRecordDeps {
  readonly log: Logger;
  readonly figures: Pick<CallFigures, 'add'>;
}

/** Codes that are our fault. */
const serverFaults: ReadonlySet<string> = new Set(['INTERNAL', 'UNKNOWN', 'DATA_LOSS', 'UNAVAILABLE']);

/**
 * One call from its first header to its line in the access log. The line has who, what, how long and how it ended;
 * never a token, a body, or a query string: URIs carry signatures.
 */
export class CallRecord {
  readonly ids: RequestIds;
  /** Set once the token was checked. */
  subjectId: string | undefined;
  readonly #deps: CallRecordDeps;
  readonly #call: { readonly method: string; readonly door: 'grpc' | 'rest' };
  readonly #facts: Readonly<Record<string, unknown>>;
  readonly #startedAt = performance.now();

  /** `method` is the rpc's name, or the route of what is not an rpc. */
  constructor(
    deps: CallRecordDeps,
    call: { header: HeaderLookup; method: string; door: 'grpc' | 'rest'; peer: string },
  ) {
    this.ids = requestIds(call.header);
    this.#deps = deps;
    this.#call = call;
    this.#facts = {
      method: call.method,
      door: call.door,
      peer: call.peer,
      userAgent: call.header('user-agent')?.slice(0, 256),
      clientTraceId: call.header('x-client-trace-id')?.slice(0, 128),
    };
  }

  /** Writes the line; called once. */
  end({ code, reason = '', cause, bytes }: CallEnd): void {
    const ms = performance.now() - this.#startedAt;
    const { method, door } = this.#call;
    this.#deps.figures.add({ method, door, code, reason, ms });
    const line = {
      ...this.#facts,
      requestId: this.ids.requestId,
      traceId: this.ids.traceId,
      subjectId: this.subjectId,
      code,
      ms: Math.round(ms * 10) / 10,
      ...(bytes === undefined ? {} : { bytes }),
      ...(cause === undefined ? {} : { err: cause }),
    };
    if (serverFaults.has(code)) this.#deps.log.error(line, 'call failed');
    else this.#deps.log.info(line, 'call');
  }
}
