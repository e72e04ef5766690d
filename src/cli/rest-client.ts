import { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { CliFailed } from './cli-failed.ts';
import type { ServerAddress } from './find-server.ts';
import { tlsOptions } from './tls-credentials.ts';

/** A request failed in a way that another try may mend. */
export class TransferBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransferBroken';
  }
}

/** The service refused a request, in its own words; another try would be refused, too. */
export class RequestRefused extends CliFailed {
  /** HTTP status. */
  readonly status: number;
  /** The stable word for what is wrong, when the service gave one. */
  readonly reason: string | undefined;

  constructor(message: string, refusal: { readonly status: number; readonly reason: string | undefined }) {
    super(message);
    this.name = 'RequestRefused';
    this.status = refusal.status;
    this.reason = refusal.reason;
  }
}

/** Silence for this long is a broken connection. */
const silenceMs = 60_000;

export interface RestRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** The REST side of the service, for what is too big for a call. Dispose it to close its connections. */
export class RestClient implements AsyncDisposable {
  readonly #server: ServerAddress;
  readonly #agent: Agent;

  constructor(server: ServerAddress, connections: number) {
    this.#server = server;
    this.#agent = new Agent({
      connect: tlsOptions(server),
      connections,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    });
  }

  get endpoint(): string {
    return this.#server.endpoint;
  }

  /** Returns what succeeded. Throws TransferBroken, RequestRefused, and the signal's reason. */
  async request(path: string, { method, headers, body, signal }: RestRequest): Promise<Dispatcher.ResponseData> {
    const { endpoint, token } = this.#server;
    let response: Dispatcher.ResponseData;
    try {
      response = await request(`https://${endpoint}${path}`, {
        method,
        signal,
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body: Readable.from(body, { objectMode: false }) }),
      });
    } catch (cause) {
      if (signal.aborted || cause instanceof CliFailed) throw cause; // the user, or the body that is sent
      throw new TransferBroken(`cannot reach ${endpoint}: ${messageOf(cause)}`, { cause });
    }
    if (response.statusCode < 300) return response;
    throw await refusalOf(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

async function refusalOf({ statusCode: status, headers, body }: Dispatcher.ResponseData): Promise<Error> {
  const error = readError(await body.text());
  const message = error.message ?? `HTTP status ${status}`;
  const requestId = headers['x-request-id'];
  const text = typeof requestId === 'string' ? `${message}\nrequest-id: ${requestId}` : message;
  return status >= 500 ? new TransferBroken(text) : new RequestRefused(text, { status, reason: error.reason });
}

/** What the API's JSON error says (google.rpc.Status); nothing when it is none. */
function readError(text: string): { readonly message?: string | undefined; readonly reason?: string | undefined } {
  try {
    const error: unknown = JSON.parse(text);
    const details = property(error, 'details');
    const reasons = Array.isArray(details) ? details.map((detail) => textOf(property(detail, 'reason'))) : [];
    return { message: textOf(property(error, 'message')), reason: reasons.find((reason) => reason !== undefined) };
  } catch {
    return {};
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
