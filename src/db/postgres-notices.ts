import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChangeNotices, Subscribers } from './change-notices.ts';
import { ListeningConnection } from './listening-connection.ts';

export interface PostgresNoticesOptions {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE */
  readonly url: string;
  /** Notices are not heard any more, or could not be heard at all; not called again before they are. */
  onLost(error: unknown): void;
  /** They are heard, for the first time or again. */
  readonly onHeard?: () => void;
  /** How often it is tried whether a notice still comes through. */
  readonly probeEveryMs?: number;
  /** How long one may take. */
  readonly probeTimeoutMs?: number;
  /** From a lost connection to the next one, at first. */
  readonly pauseMs?: number;
}

/** What listening has come to since the start. */
export interface NoticesFigures {
  readonly areHeard: boolean;
  readonly received: number;
  /** How often they began to be heard. */
  readonly connections: number;
}

/** Listening. Dispose it before the database. */
export interface PostgresNotices extends ChangeNotices, AsyncDisposable {
  figures(): NoticesFigures;
}

const longestPauseMs = 30_000;

/** What triggers tell on (migrations/notice-trigger.ts). */
const channel = 'obraz';

/** A topic, and what of it. */
const payloadForm = /^(?<topic>\w{1,64}) (?<subject>.{0,1000})$/s;

/**
 * Listens for changes on a connection of its own, which is made again whenever it is lost, after pauses that grow and are not the
 * same in all processes. It never fails and nobody waits for it: where notices don't come, they are not heard. That is
 * found out by telling itself something now and then: a pooler takes `listen` and forgets it, and a network that was cut says nothing.
 */
export function listenForNotices(options: PostgresNoticesOptions): PostgresNotices {
  return new Listener({ onHeard() {}, probeEveryMs: 30_000, probeTimeoutMs: 10_000, pauseMs: 250, ...options });
}

class Listener implements PostgresNotices {
  readonly #options: Required<PostgresNoticesOptions>;
  readonly #subscribers = new Subscribers();
  // One for all connections: what a pooler does not forget is at most this.
  readonly #probeChannel = `obraz_probe_${randomBytes(8).toString('hex')}`;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #areHeard = false;
  #isLossTold = false;
  #received = 0;
  #connections = 0;
  #failures = 0;

  constructor(options: Required<PostgresNoticesOptions>) {
    this.#options = options;
    this.#stopped = this.#listen();
  }

  get areHeard(): boolean {
    return this.#areHeard;
  }

  subscribe(topic: string, listener: (subject: string | undefined) => void): Disposable {
    return this.#subscribers.subscribe(topic, listener);
  }

  figures(): NoticesFigures {
    return { areHeard: this.#areHeard, received: this.#received, connections: this.#connections };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#stopped;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#listenOnce();
      } catch (error) {
        if (!signal.aborted && !this.#isLossTold) this.#options.onLost(error);
        this.#isLossTold = true;
      }
      const pauseMs = Math.min(longestPauseMs, this.#options.pauseMs * 2 ** Math.min(this.#failures, 16));
      this.#failures += 1;
      await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** One connection, from its beginning to its end, which it throws. */
  async #listenOnce(): Promise<never> {
    const { url, probeTimeoutMs, probeEveryMs, onHeard } = this.#options;
    const { signal } = this.#stop;
    const onNotice = (payload: string) => this.#take(payload);
    const connecting = { url, channel, probeChannel: this.#probeChannel, probeTimeoutMs, onNotice, signal };
    await using connection = await ListeningConnection.open(connecting);
    const { lost } = connection;
    this.#areHeard = true;
    try {
      this.#isLossTold = false;
      this.#failures = 0;
      this.#connections += 1;
      onHeard();
      this.#subscribers.tellAll();
      for (;;) {
        await delay(probeEveryMs, undefined, { signal: lost, ref: false }).catch(() => lost.throwIfAborted());
        await connection.probe();
      }
    } finally {
      this.#areHeard = false;
    }
  }

  #take(payload: string): void {
    const { topic, subject } = payloadForm.exec(payload)?.groups ?? {};
    if (topic === undefined || subject === undefined) return;
    this.#received += 1;
    this.#subscribers.tell(topic, subject);
  }
}
