import type { Dispatcher } from 'undici';
import { CliFailed } from '../cli-failed.ts';
import type { ServerAddress } from '../find-server.ts';
import { RestClient, type RestRequest, TransferBroken } from '../rest-client.ts';
import type { ByteRange } from './byte-ranges.ts';

/** What an image's content is, before any of it is read. */
export interface ContentInfo {
  readonly sizeBytes: number;
  /** Strong: the same tag means the same bytes. */
  readonly etag: string;
}

/** Reads images' guest bytes over REST. Dispose it to close its connections. */
export class ContentClient implements AsyncDisposable {
  readonly #rest: RestClient;

  constructor(server: ServerAddress, connections: number) {
    this.#rest = new RestClient(server, connections);
  }

  /** The content's size and tag. */
  async describe(imageId: string, signal: AbortSignal): Promise<ContentInfo> {
    const { headers, body } = await this.#request(`${imageId}/content`, { method: 'HEAD', signal });
    await body.dump();
    const sizeBytes = Number(headers['content-length']);
    const etag = headers.etag;
    if (!Number.isSafeInteger(sizeBytes) || typeof etag !== 'string') {
      throw new CliFailed(`${this.#rest.endpoint} does not say how long the image is, or gives it no ETag.`);
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
    await this.#rest[Symbol.asyncDispose]();
  }

  #request(path: string, options: RestRequest): Promise<Dispatcher.ResponseData> {
    return this.#rest.request(`/obraz/v1/images/${path}`, options);
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
