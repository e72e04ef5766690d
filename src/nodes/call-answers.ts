import type { Logger } from 'pino';
import { type ChangeNotices, noNotices } from '../db/change-notices.ts';
import type { Database } from '../db/database.ts';
import { ServiceError, toStoredError } from '../errors.ts';
import { type JsonValue, parseJson } from '../lib/json.ts';
import { type Repetition, repeat } from '../lib/repeat.ts';
import { deleteCall, deleteCallsOf, findWaitingCalls, moveCall, type WaitingCall } from './call-rows.ts';

/** What other nodes may ask of this one. */
export interface NodeMethod {
  /** Only JSON of this installation's own making comes here. */
  answer(input: JsonValue): Promise<JsonValue>;
  /** Takes back what `answer` did; whoever asked is gone, or does not want it. */
  undo?(answer: JsonValue): Promise<void>;
}

export interface CallAnswersOptions {
  readonly db: Database;
  readonly nodeId: string;
  readonly methods: Readonly<Record<string, NodeMethod>>;
  readonly log: Logger;
  /** Of calls; without them they are looked for. */
  readonly notices?: Pick<ChangeNotices, 'subscribe'>;
  readonly pollMs?: number;
  /** For how long an answer stays that nobody takes: beyond any transaction. */
  readonly keepMs?: number;
}

/** Looked at in one round; others come in the next. */
const callsAtOnce = 100;

/**
 * Before anything is opened that calls are about: forgets what an earlier process of this node was asked. Whoever still
 * waits for it, or has its answer and relies on it in a transaction that comes later, is told to try again.
 */
export async function forgetCalls(db: Database, nodeId: string): Promise<void> {
  await db.transact((tx) => deleteCallsOf(tx, nodeId));
}

/** Answers what other nodes ask of this one, from now until it is disposed. */
export class CallAnswers implements AsyncDisposable {
  readonly #options: Required<CallAnswersOptions>;
  readonly #repetition: Repetition;
  readonly #listening: Disposable;
  readonly #running = new Map<string, Promise<void>>();
  readonly #expiring = new Map<string, NodeJS.Timeout>();

  constructor(options: CallAnswersOptions) {
    this.#options = { pollMs: 250, keepMs: 120_000, notices: noNotices, ...options };
    const { pollMs, log, notices, nodeId } = this.#options;
    this.#repetition = repeat({
      everyMs: pollMs,
      soonMs: 0,
      run: () => this.#look(),
      onError: (error) => log.error({ err: error }, 'looking for calls of other nodes failed; it is tried again'),
    });
    this.#listening = notices.subscribe('node_call', (subject = nodeId) => {
      if (subject === nodeId) this.#repetition.wake();
    });
  }

  /** What was answered and not taken yet is for the next start to forget. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.#repetition[Symbol.asyncDispose]();
    for (const timer of this.#expiring.values()) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  async #look(): Promise<void> {
    const { db, nodeId, log } = this.#options;
    const except = [...this.#running.keys()];
    for (const call of await findWaitingCalls(db.read, { nodeId, except, limit: callsAtOnce })) {
      if (this.#running.has(call.id)) continue;
      const work = call.state === 'asked' ? this.#answer(call) : this.#undo(call);
      const settled = work
        .catch((error: unknown) => log.error({ err: error, method: call.method }, 'a call of another node failed'))
        .finally(() => this.#running.delete(call.id));
      this.#running.set(call.id, settled);
    }
  }

  async #answer({ id, method: name, input }: WaitingCall): Promise<void> {
    const { db, methods, keepMs } = this.#options;
    const method = methods[name];
    let value: JsonValue;
    try {
      if (method === undefined)
        throw new ServiceError({
          code: 'UNIMPLEMENTED',
          reason: 'NODE_METHOD_UNKNOWN',
          message: `This node knows no ${name}`,
        });
      value = await method.answer(parseJson(input));
    } catch (error) {
      const answer = JSON.stringify(toStoredError(error));
      await db.transact((tx) => moveCall(tx, id, { from: 'asked', to: 'failed', answer }));
      if (!(error instanceof ServiceError)) throw error;
      return;
    }
    const answer = JSON.stringify(value);
    if (!(await db.transact((tx) => moveCall(tx, id, { from: 'asked', to: 'answered', answer })))) {
      await method.undo?.(value); // nobody waits any more
      return;
    }
    if (method.undo === undefined) return;
    const timer = setTimeout(() => void this.#expire({ id, method: name, input, state: 'answered', answer }), keepMs);
    this.#expiring.set(id, timer.unref());
  }

  async #undo({ id, method, answer }: WaitingCall): Promise<void> {
    clearTimeout(this.#expiring.get(id));
    this.#expiring.delete(id);
    await this.#options.methods[method]?.undo?.(parseJson(answer ?? 'null'));
    await this.#options.db.transact((tx) => deleteCall(tx, id, 'unwanted'));
  }

  /** Nobody has taken the answer: nobody may from now on. */
  async #expire(call: WaitingCall): Promise<void> {
    this.#expiring.delete(call.id);
    const { db, log } = this.#options;
    try {
      if (await db.transact((tx) => moveCall(tx, call.id, { from: 'answered', to: 'unwanted' })))
        this.#repetition.wake();
    } catch (error) {
      log.error({ err: error, method: call.method }, 'an answer that nobody took stays until the next start');
    }
  }
}
