import type { ServerAddress } from '../find-server.ts';
import { RequestRefused, RestClient, TransferBroken } from '../rest-client.ts';

/** How far an upload is. */
export interface UploadState {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** The operation that makes an image of it now. */
  readonly operationId: string | undefined;
}

/** Another program sends the same upload: whoever asked last has it. */
export class UploadTakenOver extends Error {
  constructor() {
    super('another program goes on with this upload');
    this.name = 'UploadTakenOver';
  }
}

const uploadsPath = '/obraz/v1/uploads';
const tus = { 'tus-resumable': '1.0.0' };

/** The service's uploads, by the tus protocol. Dispose it to close its connections. */
export class TusClient implements AsyncDisposable {
  readonly #rest: RestClient;

  constructor(server: ServerAddress) {
    this.#rest = new RestClient(server, 1);
  }

  /** Begins an upload and returns its id. */
  async create(
    file: { readonly folderId: string; readonly filename: string; readonly lengthBytes: number },
    signal: AbortSignal,
  ): Promise<string> {
    const { headers, body } = await this.#rest.request(uploadsPath, {
      method: 'POST',
      headers: {
        ...tus,
        'obraz-folder-id': file.folderId,
        'upload-length': String(file.lengthBytes),
        'upload-metadata': `filename ${Buffer.from(file.filename).toString('base64')}`,
      },
      signal,
    });
    await body.dump();
    const id = /\/([a-z0-9]+)$/.exec(String(headers.location))?.[1];
    if (id === undefined) throw new TransferBroken('the server did not say where the upload is');
    return id;
  }

  /** How far the upload is, or undefined when there is none. Whoever sends to it is made to stop. */
  async find(uploadId: string, signal: AbortSignal): Promise<UploadState | undefined> {
    try {
      const { headers, body } = await this.#rest.request(`${uploadsPath}/${uploadId}`, {
        method: 'HEAD',
        headers: tus,
        signal,
      });
      await body.dump();
      const operationId = headers['obraz-operation-id'];
      return {
        offsetBytes: numberOf(headers['upload-offset']),
        lengthBytes: numberOf(headers['upload-length']),
        operationId: typeof operationId === 'string' ? operationId : undefined,
      };
    } catch (error) {
      if (error instanceof RequestRefused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Sends `length` bytes that follow `offset`; returns the offset once they are durable there. */
  async send(
    uploadId: string,
    part: { readonly offset: number; readonly length: number; readonly bytes: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<number> {
    try {
      const { headers, body } = await this.#rest.request(`${uploadsPath}/${uploadId}`, {
        method: 'PATCH',
        headers: {
          ...tus,
          'content-type': 'application/offset+octet-stream',
          'content-length': String(part.length),
          'upload-offset': String(part.offset),
        },
        body: part.bytes,
        signal,
      });
      await body.dump();
      return numberOf(headers['upload-offset']);
    } catch (error) {
      if (error instanceof RequestRefused && error.reason === 'UPLOAD_TAKEN_OVER') throw new UploadTakenOver();
      throw error;
    }
  }

  async delete(uploadId: string, signal: AbortSignal): Promise<void> {
    const { body } = await this.#rest.request(`${uploadsPath}/${uploadId}`, { method: 'DELETE', headers: tus, signal });
    await body.dump();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest[Symbol.asyncDispose]();
  }
}

function numberOf(header: string | string[] | undefined): number {
  const value = Number(header);
  if (typeof header !== 'string' || !Number.isSafeInteger(value)) {
    throw new TransferBroken('the server did not say how far the upload is');
  }
  return value;
}
