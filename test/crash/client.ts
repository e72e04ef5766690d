import { createHash } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { Agent, request } from 'undici';
import { DoorError, type MethodName, openRestDoor } from '../fixtures/doors.ts';
import type { FaultyObraz } from './start.ts';

/** The service went away before it answered: what was asked may have been done, or not. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super('no answer', { cause });
    this.name = 'NoAnswer';
  }
}

/** A client that knows an answer from none. */
export interface CrashClient extends AsyncDisposable {
  /** Throws DoorError for an answer that is an error, NoAnswer where there was none. */
  // biome-ignore lint/suspicious/noExplicitAny: replies are looked into freely, as in fixtures/doors.ts
  call(method: MethodName, body: JsonObject, idempotencyKey?: string): Promise<any>;
  /** The SHA-256 of the image's guest bytes, as the service gives them. */
  contentSha256(imageId: string): Promise<string>;
}

export function openCrashClient(obraz: FaultyObraz): CrashClient {
  const door = openRestDoor(obraz);
  const agent = new Agent({ connect: { ca: obraz.ca } });
  return {
    async call(method, body, idempotencyKey) {
      const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
      try {
        return (await door.call(method, body, { headers })).body;
      } catch (error) {
        throw error instanceof DoorError ? error : new NoAnswer(error);
      }
    },
    async contentSha256(imageId) {
      const url = `https://${obraz.endpoint}/obraz/v1/images/${imageId}/content`;
      const headers = { authorization: `Bearer ${obraz.token}` };
      const hash = createHash('sha256');
      let status: number;
      try {
        const response = await request(url, { dispatcher: agent, headers });
        status = response.statusCode;
        for await (const piece of response.body) hash.update(piece);
      } catch (error) {
        throw new NoAnswer(error);
      }
      if (status !== 200) throw new DoorError(-1, `the content of ${imageId} was answered with ${status}`, [], status);
      return hash.digest('hex');
    },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await agent.destroy();
    },
  };
}
