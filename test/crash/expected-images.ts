import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { DoorError, type MethodName } from '../fixtures/doors.ts';
import { type CrashClient, NoAnswer } from './client.ts';

/** An image as the client knows it: what it was told, and what it asked for. */
export interface ExpectedImage {
  readonly id: string;
  /** The operation that makes it. */
  readonly operationId: string;
  name: string;
  /** Of its content. */
  readonly sha256: string;
  /** `making` until its operation was seen done. `gone`: deleted, cancelled or failed, and so answered. */
  state: 'making' | 'ready' | 'gone';
  /** Its operation may end with an error: it was cancelled, or the service was made to fail or died too often under it. */
  mayFail: boolean;
  /** Deaths of the service while it was `making`. */
  deaths: number;
}

/** gRPC's NOT_FOUND. */
const notFound = 5;

/** A request that changes something; asked again with the same key until it is answered. */
interface Change {
  readonly method: MethodName;
  readonly body: JsonObject;
  readonly key: string;
  // biome-ignore lint/suspicious/noExplicitAny: a reply, as in fixtures/doors.ts
  answered(reply: any): void;
}

/** Claims of an operation before it is given up: src/operations/runner-options.ts. */
const maxAttempts = 5;

/** What a client believes of the service, from the answers that it got. */
export class ExpectedImages {
  readonly all: ExpectedImage[] = [];
  /** Asked and not answered. */
  #open: Change[] = [];

  /** Images that are there for sure and have their content. */
  get ready(): ExpectedImage[] {
    return this.all.filter(({ state }) => state === 'ready');
  }

  get making(): ExpectedImage[] {
    return this.all.filter(({ state }) => state === 'making');
  }

  get openCount(): number {
    return this.#open.length;
  }

  /** The service has died. */
  died(): void {
    for (const image of this.making) {
      image.deaths += 1;
      if (image.deaths >= maxAttempts) image.mayFail = true;
    }
  }

  /** Calls of the service were made to fail: what it was doing may have failed. */
  failed(): void {
    for (const image of this.making) image.mayFail = true;
  }

  async create(client: CrashClient, source: JsonObject, { name, folderId, sha256 }: NewImage): Promise<void> {
    const body = { folderId, name, ...source };
    await this.#ask(client, 'ImageService.Create', body, (operation) => {
      const id = String(operation.metadata.imageId);
      const state = 'response' in operation ? 'ready' : 'making';
      this.all.push({ id, operationId: operation.id, name, sha256, state, mayFail: false, deaths: 0 });
    });
  }

  async delete(client: CrashClient, image: ExpectedImage): Promise<void> {
    image.state = 'gone'; // from the question on nothing can be asked of it that must be answered
    try {
      await this.#ask(client, 'ImageService.Delete', { imageId: image.id }, () => {});
    } catch (error) {
      const failedBefore = error instanceof DoorError && error.code === notFound && image.mayFail;
      if (!failedBefore) throw error;
    }
  }

  async rename(client: CrashClient, image: ExpectedImage, name: string): Promise<void> {
    const body = { imageId: image.id, updateMask: 'name', name };
    await this.#ask(client, 'ImageService.Update', body, () => {
      image.name = name;
    });
  }

  async cancel(client: CrashClient, image: ExpectedImage): Promise<void> {
    image.mayFail = true;
    const { error } = await client.call('OperationService.Cancel', { operationId: image.operationId });
    if (error !== undefined) image.state = 'gone';
  }

  /** Asks again what was not answered, with the same keys. */
  async askAgain(client: CrashClient): Promise<void> {
    for (const change of [...this.#open]) await this.#send(client, change);
  }

  /** Looks whether the operation is done, and with what. */
  async poll(client: CrashClient, image: ExpectedImage): Promise<void> {
    const operation = await client.call('OperationService.Get', { operationId: image.operationId });
    if (operation.done !== true || image.state !== 'making') return;
    if (operation.error === undefined) image.state = 'ready';
    else if (image.mayFail) image.state = 'gone';
    else throw new Error(`the import of ${image.name} failed: ${JSON.stringify(operation.error)}`);
  }

  async #ask(client: CrashClient, method: MethodName, body: JsonObject, answered: Change['answered']): Promise<void> {
    const change: Change = { method, body, key: randomUUID(), answered };
    this.#open.push(change);
    await this.#send(client, change);
  }

  async #send(client: CrashClient, change: Change): Promise<void> {
    const { method, body, key, answered } = change;
    const close = () => {
      this.#open = this.#open.filter((open) => open !== change);
    };
    try {
      answered(await client.call(method, body, key));
      close();
    } catch (error) {
      if (error instanceof NoAnswer || isPassing(error)) throw error;
      close();
      throw error;
    }
  }
}

export interface NewImage {
  readonly name: string;
  readonly folderId: string;
  readonly sha256: string;
}

/** Errors that a service says that is being made to fail, or is stopping: INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE. */
export function isPassing(error: unknown): boolean {
  return error instanceof DoorError && ([13, 8, 14].includes(error.code) || (error.httpStatus ?? 0) >= 500);
}
