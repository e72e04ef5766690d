import type { BodySink } from './http-exchange.ts';
import { SpoolFile, type SpoolOptions } from './spool-file.ts';
import { removeSpool } from './spool-record.ts';

/** A body of a whole file on its way into the spool, which is opened when the first byte comes. */
export class WholeBody implements BodySink {
  readonly #options: SpoolOptions;
  /** What came before the spool was open. */
  readonly #early: Uint8Array[] = [];
  #opening: Promise<SpoolFile> | undefined;
  #filling: Promise<SpoolFile> | undefined;
  #spool: SpoolFile | undefined;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  write(chunk: Uint8Array): Promise<unknown> | undefined {
    if (this.#spool !== undefined) return this.#spool.append(chunk);
    this.#early.push(chunk);
    return this.#open();
  }

  /** The body has ended: everything can be read from the spool, which the caller closes. */
  async finish(): Promise<SpoolFile> {
    try {
      const spool = await this.#open();
      await spool.finish();
      return spool;
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** It broke off: what came is of no use, because it cannot be continued. */
  async abandon(): Promise<void> {
    await this.#filling?.catch(() => {});
    const spool = await this.#opening?.catch(() => undefined);
    await spool?.close();
    await removeSpool(this.#options.path);
  }

  #open(): Promise<SpoolFile> {
    this.#opening ??= SpoolFile.open(this.#options);
    this.#filling ??= this.#opening.then(async (spool) => {
      // More may come while this waits; it goes to the end of the same list.
      for (const chunk of this.#early) await spool.append(chunk);
      this.#spool = spool;
      return spool;
    });
    return this.#filling;
  }
}
