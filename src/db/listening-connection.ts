import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface ListeningOptions {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE */
  readonly url: string;
  readonly channel: string;
  /** A channel that nobody else listens to. */
  readonly probeChannel: string;
  /** How long a notice to oneself may take. */
  readonly probeTimeoutMs: number;
  readonly onNotice: (payload: string) => void;
  /** Aborted to end it, at any moment. */
  readonly signal: AbortSignal;
}

/** Each of connecting and a statement. */
const answerTimeoutMs = 10_000;
const goodbyeMs = 1_000;

/** A notice to ourselves did not come. */
export class NoticeNotHeard extends Error {
  constructor(afterMs: number) {
    super(
      `a notice to ourselves did not come within ${afterMs} ms: the connection is cut, or a pooler gives each transaction another one`,
    );
    this.name = 'NoticeNotHeard';
  }
}

/**
 * One connection to PostgreSQL that listens to a channel; notices are proved to come through before it is there. Dispose it,
 * also when it is lost.
 */
export class ListeningConnection implements AsyncDisposable {
  readonly #client: pg.Client;
  /** Ours to destroy, which is the only way to be rid of one whose other end is silent. */
  readonly #socket = new Socket();
  readonly #options: ListeningOptions;
  readonly #lost = new AbortController();
  #awaited: { readonly text: string; resolve(): void } | undefined;
  #probes = 0;

  private constructor(options: ListeningOptions) {
    this.#options = options;
    this.#client = new pg.Client({
      connectionString: options.url,
      application_name: 'obraz notices',
      connectionTimeoutMillis: answerTimeoutMs,
      query_timeout: answerTimeoutMs,
      keepAlive: true,
      stream: () => this.#socket,
    });
    this.#client.on('error', (error) => this.#lost.abort(error));
    this.#client.on('end', () => this.#lost.abort(new Error('the connection was closed')));
    this.#client.on('notification', ({ channel, payload = '' }) => {
      if (channel === options.channel) options.onNotice(payload);
      else if (payload === this.#awaited?.text) this.#awaited.resolve();
    });
  }

  /** Throws when the server can't be reached or refuses us, NoticeNotHeard, and when it is aborted. */
  static async open(options: ListeningOptions): Promise<ListeningConnection> {
    options.signal.throwIfAborted();
    await using opening = new AsyncDisposableStack();
    const connection = opening.use(new ListeningConnection(options));
    await connection.#open();
    opening.move();
    return connection;
  }

  /** Aborted when the connection is not there any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async #open(): Promise<void> {
    const { channel, probeChannel, signal } = this.#options;
    signal.addEventListener('abort', this.#break, { once: true });
    await this.#client.connect();
    await this.#client.query(`listen ${pg.escapeIdentifier(channel)}`);
    await this.#client.query(`listen ${pg.escapeIdentifier(probeChannel)}`);
    await this.probe();
  }

  /** Returns when a notice has come back to us; throws NoticeNotHeard, or what the connection was lost by. */
  async probe(): Promise<void> {
    const { probeChannel, probeTimeoutMs } = this.#options;
    this.#probes += 1;
    const text = `probe ${this.#probes}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => reject(this.lost.reason);
    this.lost.addEventListener('abort', fail, { once: true });
    const timer = setTimeout(() => reject(new NoticeNotHeard(probeTimeoutMs)), probeTimeoutMs).unref();
    this.#awaited = { text, resolve };
    try {
      await Promise.all([promise, this.#client.query('select pg_notify($1, $2)', [probeChannel, text])]);
    } finally {
      clearTimeout(timer);
      this.lost.removeEventListener('abort', fail);
      this.#awaited = undefined;
    }
  }

  readonly #break = (): void => {
    this.#socket.destroy(new Error('the service is stopping'));
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#break);
    const ended = this.#client.end().catch(() => {});
    await Promise.race([ended, delay(goodbyeMs, undefined, { ref: false })]);
    this.#socket.destroy();
  }
}
