import type { JsonObject } from '@bufbuild/protobuf';
import type { CrashClient } from './client.ts';
import type { OpenChanges } from './open-changes.ts';

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

/** Claims of an operation before it is given up: src/operations/runner-options.ts. */
export const maxAttempts = 5;

/** What a client believes of the service, from the answers that it got. */
export class ExpectedImages {
  readonly all: ExpectedImage[] = [];
  readonly #changes: OpenChanges;

  constructor(changes: OpenChanges) {
    this.#changes = changes;
  }

  /** Images that are there for sure and have their content. */
  get ready(): ExpectedImage[] {
    return this.all.filter(({ state }) => state === 'ready');
  }

  get making(): ExpectedImage[] {
    return this.all.filter(({ state }) => state === 'making');
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
    await this.#changes.ask(client, 'ImageService.Create', body, {
      answered: (operation) => {
        const id = String(operation.metadata.imageId);
        const state = 'response' in operation ? 'ready' : 'making';
        this.all.push({ id, operationId: operation.id, name, sha256, state, mayFail: false, deaths: 0 });
      },
    });
  }

  async delete(client: CrashClient, image: ExpectedImage): Promise<void> {
    image.state = 'gone'; // from the question on nothing can be asked of it that must be answered
    await this.#changes.ask(
      client,
      'ImageService.Delete',
      { imageId: image.id },
      { answered() {}, mayBeRefused: ({ code }) => code === notFound && image.mayFail },
    );
  }

  async rename(client: CrashClient, image: ExpectedImage, name: string): Promise<void> {
    const body = { imageId: image.id, updateMask: 'name', name };
    await this.#changes.ask(client, 'ImageService.Update', body, {
      answered() {
        image.name = name;
      },
    });
  }

  async cancel(client: CrashClient, image: ExpectedImage): Promise<void> {
    image.mayFail = true;
    const { error } = await client.call('OperationService.Cancel', { operationId: image.operationId });
    if (error !== undefined) image.state = 'gone';
  }

  /** Looks whether the operation is done, and with what. */
  async poll(client: CrashClient, image: ExpectedImage): Promise<void> {
    const operation = await client.call('OperationService.Get', { operationId: image.operationId });
    if (operation.done !== true || image.state !== 'making') return;
    if (operation.error === undefined) image.state = 'ready';
    else if (image.mayFail) image.state = 'gone';
    else throw new Error(`the import of ${image.name} failed: ${JSON.stringify(operation.error)}`);
  }
}

export interface NewImage {
  readonly name: string;
  readonly folderId: string;
  readonly sha256: string;
}
