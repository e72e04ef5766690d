import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { DoorError, type MethodName } from '../fixtures/doors.ts';
import { type CrashClient, NoAnswer } from './client.ts';

/** A request that changes something. */
interface Change {
  readonly method: MethodName;
  readonly body: JsonObject;
  readonly key: string;
  /** How often it was asked. */
  times: number;
  // biome-ignore lint/suspicious/noExplicitAny: a reply, as in fixtures/doors.ts
  answered(reply: any, times: number): void;
  /** Whether an error is an answer that was to be expected: then it is not thrown. */
  mayBeRefused(error: DoorError): boolean;
}

const never = () => false;

/** Requests that change something, each asked again with the same key until it is answered. */
export class OpenChanges {
  /** Asked and not answered. */
  #open: Change[] = [];

  /** Throws what the client does; without an answer it stays open. */
  async ask(
    client: CrashClient,
    method: MethodName,
    body: JsonObject,
    { answered, mayBeRefused = never }: Pick<Change, 'answered'> & Partial<Pick<Change, 'mayBeRefused'>>,
  ): Promise<void> {
    const change: Change = { method, body, key: randomUUID(), times: 0, answered, mayBeRefused };
    this.#open.push(change);
    await this.#send(client, change);
  }

  /** Asks again what was not answered. */
  async askAgain(client: CrashClient): Promise<void> {
    for (const change of [...this.#open]) await this.#send(client, change);
  }

  async #send(client: CrashClient, change: Change): Promise<void> {
    const { method, body, key } = change;
    const close = () => {
      this.#open = this.#open.filter((open) => open !== change);
    };
    change.times += 1;
    try {
      change.answered(await client.call(method, body, key), change.times);
      close();
    } catch (error) {
      if (error instanceof NoAnswer || isPassing(error)) throw error;
      close();
      if (!(error instanceof DoorError && change.mayBeRefused(error))) throw error;
    }
  }
}

/** Errors that a service says that is being made to fail, or is stopping: INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE. */
export function isPassing(error: unknown): boolean {
  return error instanceof DoorError && ([13, 8, 14].includes(error.code) || (error.httpStatus ?? 0) >= 500);
}
