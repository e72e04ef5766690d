import { join } from 'node:path';
import { placeStorage, type ServiceStorage, shareStorage, storageOf } from '../fixtures/service-storage.ts';
import { type CrashClient, NoAnswer, openCrashClient } from './client.ts';
import type { Fault } from './faults.ts';
import { UploadSender } from './interrupted-uploads.ts';
import { type FaultyObraz, prepareStart, startWithFaults } from './start.ts';

/** Often, so that each life has some; of several processes each looks at all there is. */
const collector = { everyMs: 250, soonMs: 50 };
const collectorOfSeveral = { everyMs: 1_000, soonMs: 100 };

/** A process that serves, and who talks to it. */
export interface Node {
  readonly index: number;
  readonly obraz: FaultyObraz;
  readonly client: CrashClient;
  readonly sender: UploadSender;
  /** Whether it has the API. */
  readonly answers: boolean;
  /** Whether its process has ended. */
  isOver(): boolean;
}

/** What each process does of what they do together: the roles of each, none for all of them. */
export type RolesOfProcesses = readonly (readonly string[])[];

/** Processes on the same metadata and packs, each with a data directory of its own. */
export class Nodes implements AsyncDisposable {
  readonly #roles: RolesOfProcesses;
  readonly #directory: string;
  readonly #running = new Map<number, Node>();

  private constructor(directory: string, roles: RolesOfProcesses) {
    this.#directory = directory;
    this.#roles = roles;
  }

  /** `directory` is for their data directories; `storage` for what is not in these, if it is not to be what the run is on. */
  static open(directory: string, roles: RolesOfProcesses, storage: ServiceStorage | undefined): Nodes {
    const nodes = new Nodes(directory, roles);
    const [first = '', ...others] = nodes.dataDirectories;
    if (storage !== undefined) placeStorage(first, storage);
    for (const other of others) shareStorage(first, other);
    return nodes;
  }

  dataDirectory(index: number): string {
    return join(this.#directory, `data-${index}`);
  }

  get dataDirectories(): string[] {
    return this.#roles.map((_, index) => this.dataDirectory(index));
  }

  get running(): Node[] {
    return [...this.#running.values()].filter((node) => !node.isOver());
  }

  /** Those that can be asked. */
  get answering(): Node[] {
    return this.running.filter(({ answers }) => answers);
  }

  /** The NBD socket of the attachment's node. Throws NoAnswer when it does not run, or nobody can say which it is. */
  async findSocket(attachmentId: string): Promise<string> {
    const { rows } = await storageOf(this.dataDirectory(0));
    const sql = 'select node_id from attachments where id = ?';
    const [row] = await rows(sql, [attachmentId]).catch((error: unknown) => {
      throw new NoAnswer(error);
    });
    const node = this.running.find(({ obraz }) => obraz.nodeId === row?.node_id);
    if (node === undefined) throw new NoAnswer(`the node of attachment ${attachmentId}`);
    return join(node.obraz.dataDirectory, 'nbd.sock');
  }

  /** Starts one that does not run. Throws EndedEarly when it dies before it serves. */
  async start(index: number, faults: { fault?: Fault | undefined; pointsFile?: string } = {}): Promise<Node> {
    const { fault, ...rest } = faults;
    const dataDirectory = this.dataDirectory(index);
    const roles = this.#roles[index] ?? [];
    const often = this.#roles.length > 1 ? collectorOfSeveral : collector;
    const obraz = await startWithFaults({ dataDirectory, collector: often, roles, ...rest, ...(fault && { fault }) });
    prepareStart();
    let isOver = false;
    void obraz.ended.then(() => {
      isOver = true;
    });
    const client = openCrashClient(obraz);
    const sender = new UploadSender(obraz);
    const answers = roles.length === 0 || roles.includes('api');
    const node = { index, obraz, client, sender, answers, isOver: () => isOver };
    this.#running.set(index, node);
    return node;
  }

  /** All that do not run. */
  async startOthers(): Promise<void> {
    for (const index of this.#roles.keys()) {
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
