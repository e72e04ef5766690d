import { Agent, type Dispatcher, request } from 'undici';
import { CliFailed } from '../cli-failed.ts';
import type { ServerAddress } from '../find-server.ts';
import type { ByteRange } from './byte-ranges.ts';

/** What an image's content is, before any of it is read. */
export interface ContentInfo {
  readonly sizeBytes: number;
  /** Strong: the same tag means the same bytes. */
  readonly etag: string;
}

/** A request failed in a way that another try may mend. */
export class TransferBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransferBroken';
  }
}

/** Silence for this long is a broken connection. */
const silenceMs = 60_000;

/** Reads images' guest bytes over REST. Dispose it to close its connections. */
export class ContentClient implements AsyncDisposable {
  readonly #server: ServerAddress;
  readonly #agent: Agent;

  constructor(server: ServerAddress, connections: number) {
    this.#server = server;
    this.#agent = new Agent({
      connect: server.ca === undefined ? {} : { ca: server.ca },
      connections,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    });
  }

  /** The content's size and tag. */
  async describe(imageId: string, signal: AbortSignal): Promise<ContentInfo> {
    const { headers, body } = await this.#request(`${imageId}/content`, { method: 'HEAD', signal });
    await body.dump();
    const sizeBytes = Number(headers['content-length']);
    const etag = headers.etag;
    if (!Number.isSafeInteger(sizeBytes) || typeof etag !== 'string') {
      throw new CliFailed(`${this.#server.endpoint} does not say how long the image is, or gives it no ETag.`);
    }
    return { sizeBytes, etag };
  }

  /** The ranges that hold data; all else is zeros. */
  async dataRanges(imageId: string, signal: AbortSignal): Promise<ByteRange[]> {
    const { body } = await this.#request(`${imageId}/extents`, { method: 'GET', signal });
    return parseExtents(await body.json());
  }

  /** The bytes of a range; throws TransferBroken unless all of them arrive, and CliFailed when the tag is another. */
  async *read(imageId: string, range: ByteRange, etag: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { statusCode, headers, body } = await this.#request(`${imageId}/content`, {
      method: 'GET',
      headers: { range: `bytes=${range.start}-${range.end - 1}`, 'if-range': etag },
      signal,
    });
    if (statusCode !== 206 || headers.etag !== etag) {
      body.destroy();
      throw new CliFailed('the image changed while it was downloaded. Run the command again.');
    }
    let left = range.end - range.start;
    try {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('a body is made of bytes');
        left -= chunk.length;
        if (left < 0) break;
        yield chunk;
      }
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new TransferBroken(`the connection broke: ${messageOf(cause)}`, { cause });
    }
    if (left !== 0) throw new TransferBroken('the server sent another number of bytes than it was asked for');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #request(
    path: string,
    options: { method: 'GET' | 'HEAD'; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    const { endpoint, token } = this.#server;
    let response: Dispatcher.ResponseData;
    try {
      response = await request(`https://${endpoint}/obraz/v1/images/${path}`, {
        ...options,
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${token}`, ...options.headers },
      });
    } catch (cause) {
      if (options.signal.aborted) throw cause;
      throw new TransferBroken(`cannot reach ${endpoint}: ${messageOf(cause)}`, { cause });
    }
    if (response.statusCode < 300) return response;
    const message = readErrorMessage(await response.body.text()) ?? `HTTP status ${response.statusCode}`;
    const requestId = response.headers['x-request-id'];
    const text = typeof requestId === 'string' ? `${message}\nrequest-id: ${requestId}` : message;
    throw response.statusCode >= 500 ? new TransferBroken(text) : new CliFailed(text);
  }
}

/** The message of the API's JSON error. */
function readErrorMessage(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const hasMessage = typeof value === 'object' && value !== null && 'message' in value;
    return hasMessage && typeof value.message === 'string' ? value.message : undefined;
  } catch {
    return undefined;
  }
}

/** The data ranges of `GET .../extents`, checked. */
function parseExtents(value: unknown): ByteRange[] {
  if (typeof value !== 'object' || value === null || !('extents' in value) || !Array.isArray(value.extents)) {
    throw new CliFailed('the server answered with something that is no list of extents.');
  }
  const extents: readonly unknown[] = value.extents;
  return extents.flatMap((extent) => {
    if (typeof extent !== 'object' || extent === null) throw new CliFailed('the server sent a broken extent.');
    if (!('kind' in extent) || extent.kind !== 'data') return [];
    const start = 'offset' in extent ? Number(extent.offset) : 0; // proto3 JSON leaves out what is 0
    const end = start + ('length' in extent ? Number(extent.length) : 0);
    if (!Number.isSafeInteger(end) || start < 0) throw new CliFailed('the server sent a broken extent.');
    return { start, end };
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
