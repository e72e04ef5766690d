import type { BodySink } from './http-exchange.ts';
import { SpoolFile, type SpoolOptions } from './spool-file.ts';
import { removeSpool } from './spool-record.ts';

/** A body of a whole file on its way into the spool, which is opened when the first byte comes. */
export class WholeBody implements BodySink {
  readonly #options: SpoolOptions;
  #opening: Promise<SpoolFile> | undefined;
  #spool: SpoolFile | undefined;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#spool !== undefined) return this.#spool.append(chunk);
    return this.#open().then((spool) => spool.append(chunk));
  }

  /** The body has ended: everything can be read from the spool, which the caller closes. */
  async finish(): Promise<SpoolFile> {
    const spool = await this.#open();
    try {
      await spool.finish();
      return spool;
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** It broke off: what came is of no use, because it cannot be continued. */
  async abandon(): Promise<void> {
    const spool = await this.#opening?.catch(() => undefined);
    await spool?.close();
    await removeSpool(this.#options.path);
  }

  async #open(): Promise<SpoolFile> {
    this.#opening ??= SpoolFile.open(this.#options);
    this.#spool = await this.#opening;
    return this.#spool;
  }
}
