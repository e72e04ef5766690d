import { unavailable } from '../errors.ts';

/** Another request wants the upload: the one before is likely the same client's, on a connection that broke unnoticed. */
export class TakenOver extends Error {
  constructor(uploadId: string) {
    super(`Another request goes on with upload "${uploadId}"`);
    this.name = 'TakenOver';
  }
}

/** The right to work on an upload; disposing it lets the next request have it. */
export interface Turn extends Disposable {
  /** Aborted when somebody waits for the upload, with TakenOver, and when the service stops. */
  readonly signal: AbortSignal;
}

/**
 * Lets one request at a time work on an upload. Who comes next makes the one before stop and settle what it has, and
 * waits for that: so a client that lost its connection needs not wait until we notice, and the offset it is told is the
 * one that its next request must have.
 */
export class UploadTurns implements AsyncDisposable {
  readonly #current = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  #isClosed = false;

  async take(uploadId: string): Promise<Turn> {
    for (let holder = this.#current.get(uploadId); holder !== undefined; holder = this.#current.get(uploadId)) {
      holder.stop.abort(new TakenOver(uploadId));
      await holder.ended;
    }
    if (this.#isClosed) throw unavailable('The service is stopping');
    const stop = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#current.set(uploadId, { stop, ended });
    return {
      signal: stop.signal,
      [Symbol.dispose]: () => {
        this.#current.delete(uploadId);
        resolve();
      },
    };
  }

  /** Stops all work and waits until what had arrived is settled. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const holders = [...this.#current.values()];
    for (const { stop } of holders) stop.abort(unavailable('The service is stopping'));
    await Promise.all(holders.map(({ ended }) => ended));
  }
}
