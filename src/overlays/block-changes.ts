import { isZero } from '../lib/zeros.ts';
import { partsByRegion } from './layer-index.ts';
import type { LayerStack } from './layer-stack.ts';
import type { Changes, LogAppender } from './log-appender.ts';
import { blockBytes, checksumOf, type DataRun, type ZeroRun } from './log-format.ts';
import type { LogSet } from './log-set.ts';

/** Every layer there is. */
const all = Number.POSITIVE_INFINITY;

/** Takes a piece of a change to the log; several may be on their way. */
export type Append = (changes: Changes) => Promise<void>;

/** What a write or a zeroing of any bytes is to the log: blocks of data and of zeros. The blocks are locked meanwhile. */
export class BlockChanges {
  readonly #logs: LogSet;
  readonly #appender: LogAppender;
  readonly #stack: () => LayerStack;

  constructor(parts: { readonly logs: LogSet; readonly appender: LogAppender; stack(): LayerStack }) {
    this.#logs = parts.logs;
    this.#appender = parts.appender;
    this.#stack = parts.stack;
  }

  /** Writes bytes: blocks that are written in part are read first. */
  async write(bytes: Uint8Array, offset: number, append: Append): Promise<void> {
    const end = offset + bytes.byteLength;
    for (let at = offset; at < end; ) {
      const block = Math.floor(at / blockBytes);
      const inBlock = at % blockBytes;
      const whole = Math.min(this.#appender.dataBlocksMax, Math.floor((end - at) / blockBytes));
      if (inBlock === 0 && whole > 0) {
        const next = at + whole * blockBytes;
        await append(this.#changesOf(block, bytes.subarray(at - offset, next - offset)));
        at = next;
      } else {
        const next = Math.min(end, (block + 1) * blockBytes);
        const merged = await this.#blockNow(block);
        merged.set(bytes.subarray(at - offset, next - offset), inBlock);
        await append(this.#changesOf(block, merged));
        at = next;
      }
    }
  }

  /** Zeros bytes, in as few words as the log needs for it. */
  async zero(offset: number, length: number, append: Append): Promise<void> {
    const end = offset + length;
    const first = Math.ceil(offset / blockBytes);
    // Nothing is behind the disk's end, so its last block is zeroed as a whole.
    const last = end === this.#logs.sizeBytes ? Math.ceil(end / blockBytes) : Math.floor(end / blockBytes);
    if (first >= last) {
      for (let at = offset; at < end; ) {
        const next = Math.min(end, (Math.floor(at / blockBytes) + 1) * blockBytes);
        await this.#zeroPart(at, next, append);
        at = next;
      }
      return;
    }
    await this.#zeroPart(offset, Math.min(end, first * blockBytes), append);
    await this.#zeroPart(Math.max(offset, last * blockBytes), end, append);
    const runs = this.#zeroRuns(first, last - first);
    for (let at = 0; at < runs.length; at += this.#appender.zeroRunsMax) {
      await append({ data: [], zeros: runs.slice(at, at + this.#appender.zeroRunsMax) });
    }
  }

  /** Zeros bytes of one block. */
  async #zeroPart(from: number, to: number, append: Append): Promise<void> {
    if (from >= to) return;
    const block = Math.floor(from / blockBytes);
    const merged = await this.#blockNow(block);
    merged.fill(0, from - block * blockBytes, to - block * blockBytes);
    await append(this.#changesOf(block, merged));
  }

  /** A block as it is; its lock is held. What lies behind the disk's end is zeros. */
  async #blockNow(block: number): Promise<Buffer> {
    const bytes = Buffer.alloc(blockBytes);
    await this.#stack().readAt(bytes, block * blockBytes, all);
    bytes.fill(0, Math.min(blockBytes, this.#logs.sizeBytes - block * blockBytes));
    return bytes;
  }

  /** Whole blocks as changes: those of zeros take no space. */
  #changesOf(block: number, bytes: Uint8Array): { data: DataRun[]; zeros: ZeroRun[] } {
    const data: { block: number; bytes: Uint8Array; checksums: number[] }[] = [];
    const zeros: ZeroRun[] = [];
    const count = bytes.byteLength / blockBytes;
    let isInData = false;
    for (let at = 0; at < count; at += 1) {
      const one = bytes.subarray(at * blockBytes, (at + 1) * blockBytes);
      if (isZero(one)) {
        zeros.push(...this.#zeroRuns(block + at, 1));
        isInData = false;
        continue;
      }
      let run = data.at(-1);
      if (!isInData || run === undefined) {
        run = { block: block + at, bytes: one, checksums: [] };
        data.push(run);
        isInData = true;
      }
      run.checksums.push(checksumOf(one));
      run.bytes = bytes.subarray((run.block - block) * blockBytes, (at + 1) * blockBytes);
    }
    return { data, zeros: mergedRuns(zeros) };
  }

  /**
   * Of a range, what the log has to say zeros of: not what it says zeros of already, and not what neither the base
   * nor a layer has anything of. By regions, so that a trim of everything is not looked at block by block.
   */
  #zeroRuns(block: number, count: number): ZeroRun[] {
    const { layers, base } = this.#stack();
    const baseEnd = Math.ceil((base?.sizeBytes ?? 0) / blockBytes);
    const { index } = this.#logs.active;
    const runs: ZeroRun[] = [];
    for (const part of partsByRegion(block, count)) {
      const hasBelow = part.block < baseEnd || layers.some((layer) => layer.index.hasRegionOf(part.block));
      if (hasBelow && !index.isZero(part.block, part.count)) runs.push(part);
    }
    return mergedRuns(runs);
  }
}

/** Neighbours made one. */
function mergedRuns(runs: readonly ZeroRun[]): ZeroRun[] {
  const merged: { block: number; count: number }[] = [];
  for (const run of runs) {
    const last = merged.at(-1);
    if (last !== undefined && last.block + last.count === run.block) last.count += run.count;
    else merged.push({ ...run });
  }
  return merged;
}
