import { Agent, request } from 'undici';
import { DoorError } from '../fixtures/doors.ts';
import { NoAnswer } from './client.ts';
import type { DiskFile } from './disk-files.ts';
import type { Random } from './random.ts';
import type { FaultyObraz } from './start.ts';

/** A file on its way up, bit by bit, and as far as its sender knows. */
export interface InterruptedUpload {
  readonly id: string;
  readonly file: DiskFile;
  /** Bytes that were acknowledged. */
  sentBytes: number;
}

/** Sends files by the tus protocol, and holds what the service says it has against what it said before. */
export class UploadSender implements AsyncDisposable {
  readonly #obraz: FaultyObraz;
  readonly #agent: Agent;

  constructor(obraz: FaultyObraz) {
    this.#obraz = obraz;
    this.#agent = new Agent({ connect: { ca: obraz.ca } });
  }

  async begin(file: DiskFile): Promise<InterruptedUpload> {
    const folder = Buffer.from(this.#obraz.folderId).toString('base64');
    const headers = { 'upload-length': String(file.bytes.length), 'upload-metadata': `folderId ${folder}` };
    const { location } = await this.#ask('POST', '', headers);
    return { id: String(location).split('/').at(-1) ?? '', file, sentBytes: 0 };
  }

  /** Sends some more of it. True when all of it is there. */
  async sendSome(upload: InterruptedUpload, random: Random): Promise<boolean> {
    const { id, file, sentBytes } = upload;
    const offset = Number((await this.#ask('HEAD', `/${id}`))['upload-offset']);
    if (offset < sentBytes) throw new Error(`upload ${id} has ${offset} bytes; ${sentBytes} were acknowledged`);
    const end = random.chance(0.5) ? file.bytes.length : offset + random.below(file.bytes.length - offset + 1);
    const headers = { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' };
    const answer = await this.#ask('PATCH', `/${id}`, headers, file.bytes.subarray(offset, end));
    upload.sentBytes = Number(answer['upload-offset']);
    return upload.sentBytes === file.bytes.length;
  }

  /** Ends it; one that is not there is ended already. */
  async remove(id: string): Promise<void> {
    await this.#ask('DELETE', `/${id}`).catch((error: unknown) => {
      if (!(error instanceof DoorError && [404, 410].includes(error.httpStatus ?? 0))) throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE', path: string, more: object = {}, body?: Buffer) {
    const url = `https://${this.#obraz.endpoint}/obraz/v1/uploads${path}`;
    const headers = { authorization: `Bearer ${this.#obraz.token}`, 'tus-resumable': '1.0.0', ...more };
    let status: number;
    let text: string;
    let answered: Record<string, string | string[] | undefined>;
    try {
      const response = await request(url, { method, headers, dispatcher: this.#agent, body: body ?? null });
      status = response.statusCode;
      answered = response.headers;
      text = await response.body.text();
    } catch (error) {
      throw new NoAnswer(error);
    }
    if (status < 300) return answered;
    const code = status === 429 ? 8 : status >= 500 ? 13 : -1;
    throw new DoorError(code, `${method} of an upload: ${status} ${text}`, [], status);
  }
}
