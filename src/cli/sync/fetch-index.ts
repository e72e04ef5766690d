import { Agent, type Dispatcher, request } from 'undici';
import { formatByteSize } from '../byte-size.ts';
import { isAllowed, notAllowed } from './allowed-origins.ts';
import { UpstreamFailed } from './upstream-failed.ts';

/** What an index may cost. */
export interface IndexLimits {
  readonly maxBytes: number;
  readonly maxRedirects: number;
  /** From the first connection to the last byte, redirects included. */
  readonly maxTimeMs: number;
  /** A server that says nothing for so long is down. */
  readonly silenceMs: number;
}

/** Several times what Ubuntu's list of all releases has, which is the largest that is known. */
export const indexLimits: IndexLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxRedirects: 5,
  maxTimeMs: 60_000,
  silenceMs: 15_000,
};

/** An index as its publisher has it now. */
export interface FetchedIndex {
  /** Where it was, redirects followed: entries are relative to that. */
  readonly url: string;
  readonly text: string;
}

/** Fetches indexes, each once, however many families are in it. Dispose it to close its connections. */
export class IndexFetcher implements AsyncDisposable {
  readonly #origins: readonly string[];
  readonly #signal: AbortSignal;
  readonly #limits: IndexLimits;
  readonly #agent: Agent;
  readonly #fetched = new Map<string, Promise<FetchedIndex>>();

  /** @param origins where redirects may lead, besides to the origin that they begin at */
  constructor(options: {
    readonly origins: readonly string[];
    readonly signal: AbortSignal;
    readonly limits?: IndexLimits;
  }) {
    this.#origins = options.origins;
    this.#signal = options.signal;
    this.#limits = options.limits ?? indexLimits;
    const { silenceMs } = this.#limits;
    this.#agent = new Agent({
      connect: { timeout: silenceMs },
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      pipelining: 0,
    });
  }

  /** Throws UpstreamFailed, and the signal's reason. */
  fetch(url: string): Promise<FetchedIndex> {
    const known = this.#fetched.get(url);
    if (known !== undefined) return known;
    const fetching = this.#fetch(url);
    this.#fetched.set(url, fetching);
    return fetching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #fetch(first: string): Promise<FetchedIndex> {
    const { maxRedirects, maxTimeMs, maxBytes } = this.#limits;
    const late = AbortSignal.timeout(maxTimeMs);
    const signal = AbortSignal.any([this.#signal, late]);
    let url = first;
    try {
      for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
        const response = await request(url, {
          dispatcher: this.#agent,
          signal,
          headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'obraz-cli' },
        });
        const next = redirectOf(url, response);
        if (next === undefined) return { url, text: await readBody(url, response, maxBytes) };
        discard(response);
        if (!isAllowed(next, first, this.#origins)) throw notAllowed(url, 'redirects to', next);
        url = next.href;
      }
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof UpstreamFailed) throw cause;
      if (late.aborted) throw new UpstreamFailed(url, `was not read in ${maxTimeMs / 1000} s`, { cause });
      throw new UpstreamFailed(url, `cannot be read: ${reasonOf(cause)}`, { cause });
    }
    throw new UpstreamFailed(first, `redirects more than ${maxRedirects} times`);
  }
}

/** Where the response leads; undefined when it is the answer. Throws UpstreamFailed for one that is of no use. */
function redirectOf(url: string, response: Dispatcher.ResponseData): URL | undefined {
  const { statusCode, headers } = response;
  if (statusCode === 200) return undefined;
  const { location } = headers;
  const next = typeof location === 'string' && location.length <= 4096 ? URL.parse(location, url) : null;
  if ([301, 302, 303, 307, 308].includes(statusCode) && next !== null) return next;
  discard(response);
  throw new UpstreamFailed(url, `answered with HTTP status ${statusCode}`);
}

async function readBody(url: string, response: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const { headers, body } = response;
  const encoding = headers['content-encoding'] ?? 'identity';
  const isTooLong = Number(headers['content-length'] ?? 0) > maxBytes;
  if (encoding !== 'identity' || isTooLong) {
    discard(response);
    if (isTooLong) throw tooLong(url, maxBytes);
    throw new UpstreamFailed(url, `is packed as ${JSON.stringify(encoding)}, which was not asked for`);
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    if (!(piece instanceof Uint8Array)) continue; // the body of a request has no other pieces
    length += piece.byteLength;
    if (length > maxBytes) throw tooLong(url, maxBytes); // leaving the loop ends the connection
    pieces.push(piece);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (cause) {
    throw new UpstreamFailed(url, 'is not text', { cause });
  }
}

/** Ends a response whose body nobody reads; that it did not come to its end is no news then. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {}).destroy();
}

function tooLong(url: string, maxBytes: number): UpstreamFailed {
  return new UpstreamFailed(url, `is longer than ${formatByteSize(maxBytes)}, and no index is`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; '); // one for each address of the host
  return error.message || error.name;
}
