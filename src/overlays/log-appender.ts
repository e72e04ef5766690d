import { batchEntriesMax, blockBytes, type DataRun, type ZeroRun } from './log-format.ts';
import type { LogSet } from './log-set.ts';
import { OverlayFailed, overlayFailedBy } from './overlay-failed.ts';

/** Changes of blocks that get into the log together or not at all. No block is in it twice. */
export interface Changes {
  readonly data: readonly DataRun[];
  readonly zeros: readonly ZeroRun[];
}

export const noChanges: Changes = { data: [], zeros: [] };

interface Waiting {
  /** At most so much comes out of `take`. */
  readonly dataBlocks: number;
  readonly zeroRuns: number;
  /** Not to share a batch with anything else. */
  readonly isAlone: boolean;
  /** Called when its turn has come, when no other batch is under way. */
  take(): Changes;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Puts changes into the log, one batch at a time, in the order in which they come; what comes while a batch is being
 * written is the next batch together. A change is in the layer's index when its promise resolves; it is not durable yet.
 *
 * This is the only one who changes the active layer, so between two batches nothing does.
 */
export class LogAppender {
  readonly #logs: LogSet;
  readonly #header = Buffer.alloc(blockBytes);
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(logs: LogSet) {
    this.#logs = logs;
  }

  /** The most data that one call of `append` may bring, in blocks: two of them make a batch. */
  get dataBlocksMax(): number {
    return Math.floor(Math.min(batchEntriesMax, this.#logs.fileBlocks / 2) / 2);
  }

  /** Zero runs, likewise. */
  get zeroRunsMax(): number {
    return batchEntriesMax / 2;
  }

  append(changes: Changes): Promise<void> {
    const dataBlocks = changes.data.reduce((sum, { checksums }) => sum + checksums.length, 0);
    return this.#add({ dataBlocks, zeroRuns: changes.zeros.length, isAlone: false, take: () => changes });
  }

  /** Appends what `take` says between two batches: it sees the layer as no change under way could make it any more. */
  appendTaken(limits: { dataBlocks: number; zeroRuns: number }, take: () => Changes): Promise<void> {
    return this.#add({ ...limits, isAlone: true, take });
  }

  /** Calls `work` between two batches. */
  between(work: () => void): Promise<void> {
    const take = (): Changes => {
      work();
      return noChanges;
    };
    return this.#add({ dataBlocks: 0, zeroRuns: 0, isAlone: true, take });
  }

  #add(wanted: Omit<Waiting, 'resolve' | 'reject'>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ ...wanted, resolve, reject });
    if (!this.#isRunning) {
      this.#isRunning = true;
      queueMicrotask(() => void this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      try {
        await this.#write(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** Takes from the front of who waits what fits into one batch. */
  #nextBatch(): Waiting[] {
    const blocksMax = 2 * this.dataBlocksMax;
    let blocks = 0;
    let entries = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      blocks += waiting.dataBlocks;
      entries += waiting.dataBlocks + waiting.zeroRuns;
      const fits = blocks <= blocksMax && entries <= batchEntriesMax && !waiting.isAlone;
      if (count > 0 && !fits) break;
      count += 1;
      if (waiting.isAlone) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const logs = this.#logs;
    const dataBlocks = batch.reduce((sum, waiting) => sum + waiting.dataBlocks, 0);
    const entries = batch.reduce((sum, waiting) => sum + waiting.dataBlocks + waiting.zeroRuns, 0);
    const file = entries === 0 ? undefined : await logs.fileFor(dataBlocks, entries);
    const changes = batch.map((waiting) => waiting.take());
    const data = changes.flatMap((change) => change.data);
    const zeros = changes.flatMap((change) => change.zeros);
    if (data.length + zeros.length === 0) return;
    if (file === undefined) throw new OverlayFailed('EIO', 'more was taken than had been asked room for');
    logs.throwIfFailed();
    const sequence = logs.lastSequence + 1;
    let block: number;
    try {
      block = await file.append(this.#header, { sequence, synced: logs.syncedSequence, data, zeros });
    } catch (error) {
      throw overlayFailedBy(error, 'the log');
    }
    logs.lastSequence = sequence;
    const { index } = logs.active;
    for (const run of data) {
      for (const [at, checksum] of run.checksums.entries()) {
        index.setData(run.block + at, logs.places.placeOf(file, block), checksum);
        block += 1;
      }
    }
    for (const run of zeros) index.setZero(run.block, run.count);
  }
}
