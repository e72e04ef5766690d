import { join } from 'node:path';
import { placeStorage, type ServiceStorage, shareStorage } from '../fixtures/service-storage.ts';
import { type CrashClient, openCrashClient } from './client.ts';
import type { Fault } from './faults.ts';
import { UploadSender } from './interrupted-uploads.ts';
import { type FaultyObraz, prepareStart, startWithFaults } from './start.ts';

const collector = { everyMs: 250, soonMs: 50 };

/** A process that serves, and who talks to it. */
export interface Node {
  readonly index: number;
  readonly obraz: FaultyObraz;
  readonly client: CrashClient;
  readonly sender: UploadSender;
  /** Whether its process has ended. */
  isOver(): boolean;
}

/** Processes on the same metadata and packs, each with a data directory of its own. */
export class Nodes implements AsyncDisposable {
  readonly count: number;
  readonly #directory: string;
  readonly #running = new Map<number, Node>();

  private constructor(directory: string, count: number) {
    this.#directory = directory;
    this.count = count;
  }

  /** `directory` is for their data directories; `storage` for what is not in these, if it is not to be what the run is on. */
  static open(directory: string, count: number, storage: ServiceStorage | undefined): Nodes {
    const nodes = new Nodes(directory, count);
    if (storage !== undefined) placeStorage(nodes.dataDirectory(0), storage);
    for (let index = 1; index < count; index += 1) shareStorage(nodes.dataDirectory(0), nodes.dataDirectory(index));
    return nodes;
  }

  dataDirectory(index: number): string {
    return join(this.#directory, `data-${index}`);
  }

  get dataDirectories(): string[] {
    return Array.from({ length: this.count }, (_, index) => this.dataDirectory(index));
  }

  get running(): Node[] {
    return [...this.#running.values()].filter((node) => !node.isOver());
  }

  /** Starts one that does not run. Throws EndedEarly when it dies before it serves. */
  async start(index: number, faults: { fault?: Fault | undefined; pointsFile?: string } = {}): Promise<Node> {
    const { fault, ...rest } = faults;
    const dataDirectory = this.dataDirectory(index);
    const obraz = await startWithFaults({ dataDirectory, collector, ...rest, ...(fault && { fault }) });
    prepareStart();
    let isOver = false;
    void obraz.ended.then(() => {
      isOver = true;
    });
    const client = openCrashClient(obraz);
    const node = { index, obraz, client, sender: new UploadSender(obraz), isOver: () => isOver };
    this.#running.set(index, node);
    return node;
  }

  /** All that do not run. */
  async startOthers(): Promise<void> {
    for (let index = 0; index < this.count; index += 1) {
      if (this.#running.get(index)?.isOver() ?? true) {
        await this.kill(index);
        await this.start(index);
      }
    }
  }

  /** Kills one, if it runs, and lets go of it. */
  async kill(index: number): Promise<void> {
    const node = this.#running.get(index);
    if (node === undefined) return;
    this.#running.delete(index);
    await node.sender[Symbol.asyncDispose]();
    await node.client[Symbol.asyncDispose]();
    await node.obraz[Symbol.asyncDispose]();
  }

  /** Ends all in order. Throws when one does not end as it should. */
  async end(): Promise<void> {
    const ending = this.running;
    const codes = await Promise.all(ending.map(({ obraz }) => obraz.end('SIGTERM')));
    for (const [place, { obraz }] of ending.entries()) {
      if (codes[place] !== 0) throw new Error(`the service ended with ${codes[place]} on SIGTERM: ${obraz.log()}`);
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of [...this.#running.keys()]) await this.kill(index);
  }
}
