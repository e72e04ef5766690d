import { entriesOf, type IndexEntry } from './index-entries.ts';
import { absent } from './index-region.ts';
import { partsByRegion } from './layer-index.ts';
import type { Changes, LogAppender } from './log-appender.ts';
import type { LogFile } from './log-file.ts';
import { batchEntriesMax, blockBytes, checksumOf, type DataRun, indexEntriesMax, type ZeroRun } from './log-format.ts';
import type { Layer, LogSet } from './log-set.ts';
import { OverlayDamaged } from './overlay-failed.ts';

/**
 * A file goes when no more than so much of it is in use, so that a byte written costs less than another one of copying. Single
 * blocks, each with its own header, fill a file by half: such a file stays as long as most of it is in use.
 */
const liveMost = 0.4;
/** Files far from full come from closing and opening again; so many of them become one. */
const smallFilesMost = 8;
const smallBelow = 1 / 8;

/** Regions that one batch looks through for zeros: about 2 ms. */
const regionsAtOnce = 16;

/** The file of the active layer that is most worth copying the rest of, if any is. */
export function fileToCompact(logs: LogSet, except: ReadonlySet<LogFile>): LogFile | undefined {
  const sealed = logs.active.files.filter((file) => file.isSealed && !except.has(file));
  const small = sealed.filter(
    ({ endBlock, indexEntries }) =>
      endBlock < logs.fileBlocks * smallBelow && indexEntries < indexEntriesMax * smallBelow,
  );
  if (small.length > smallFilesMost) return small[0];
  // Headers and an index are not what makes a file worth it: a copy has them, too.
  const use = ({ liveBlocks, endBlock }: LogFile): number => liveBlocks / Math.max(1, endBlock);
  const isWorthIt = (file: LogFile): boolean => use(file) <= liveMost && isMostlyDead(file);
  return sealed.filter(isWorthIt).toSorted((left, right) => use(left) - use(right))[0];
}

/** Whether blocks of data, and not entries of zeros that would have to be written again, are what fills the file. */
function isMostlyDead({ dataBlocks, liveBlocks }: LogFile): boolean {
  return dataBlocks > 0 && liveBlocks <= dataBlocks * (1 - liveMost);
}

/**
 * Writes again what a sealed file of the active layer has that is still true, behind everything else in the log. Each batch looks at
 * what is true when its turn has come, so that nothing that was written meanwhile is undone; a writer waits for one such
 * batch at most.
 *
 * @returns whether the layer is the active one still and needs nothing of the file any more; what was copied is durable then
 */
export async function copyLiveBlocks(
  logs: LogSet,
  appender: LogAppender,
  file: LogFile,
  signal: AbortSignal,
): Promise<boolean> {
  const layer = logs.active;
  const index = await file.readIndex();
  if (index === undefined) throw new OverlayDamaged(file.path, 'has lost its index');
  const copying: Copying = { logs, appender, file, layer, signal };
  await copyData(copying, index.numbers);
  await copyZeros(copying, index.numbers);
  signal.throwIfAborted();
  await logs.sync();
  return logs.active === layer && file.liveBlocks === 0;
}

interface Copying {
  readonly logs: LogSet;
  readonly appender: LogAppender;
  readonly file: LogFile;
  readonly layer: Layer;
  readonly signal: AbortSignal;
}

type DataEntry = Extract<IndexEntry, { kind: 'data' }>;

async function copyData(copying: Copying, numbers: Uint32Array): Promise<void> {
  let group: DataEntry[] = [];
  for (const entry of entriesOf(numbers)) {
    if (entry.kind !== 'data' || !isInUse(copying, entry)) continue;
    group.push(entry);
    if (group.length < copying.appender.dataBlocksMax) continue;
    await copyGroup(copying, group);
    group = [];
  }
  await copyGroup(copying, group);
}

function isInUse({ logs, file, layer }: Copying, { block, place }: DataEntry): boolean {
  return placeOf(layer, block) === logs.places.placeOf(file, place);
}

function placeOf(layer: Layer, block: number): number {
  const place = Uint32Array.of(absent);
  layer.index.paint(block, 1, place);
  return place[0] ?? absent;
}

async function copyGroup(copying: Copying, group: readonly DataEntry[]): Promise<void> {
  const { appender, file, signal } = copying;
  signal.throwIfAborted();
  if (group.length === 0) return;
  const bytes = Buffer.allocUnsafe(group.length * blockBytes);
  for (const [at, entry] of group.entries()) {
    const block = bytes.subarray(at * blockBytes, (at + 1) * blockBytes);
    await file.read(block, entry.place);
    if (checksumOf(block) !== entry.checksum) throw new OverlayDamaged(file.path, `block ${entry.place} is damaged`);
  }
  await appender.appendTaken({ dataBlocks: group.length, zeroRuns: 0 }, (): Changes => {
    const data: DataRun[] = [];
    if (copying.logs.active !== copying.layer) return { data, zeros: [] };
    for (const [at, entry] of group.entries()) {
      if (!isInUse(copying, entry)) continue;
      const block = bytes.subarray(at * blockBytes, (at + 1) * blockBytes);
      data.push({ block: entry.block, bytes: block, checksums: [entry.checksum] });
    }
    return { data, zeros: [] };
  });
}

async function copyZeros(copying: Copying, numbers: Uint32Array): Promise<void> {
  const { logs, appender, layer, signal } = copying;
  const parts = zeroParts(numbers);
  for (let next = parts.next(); next.done !== true; ) {
    signal.throwIfAborted();
    await appender.appendTaken({ dataBlocks: 0, zeroRuns: batchEntriesMax }, (): Changes => {
      const zeros: ZeroRun[] = [];
      if (logs.active !== layer) {
        next = { done: true, value: undefined };
        return { data: [], zeros };
      }
      for (let looked = 0; looked < regionsAtOnce && next.done !== true; looked += 1) {
        const { block, count } = next.value;
        const runs = zeroRunsWithin(layer, block, count);
        const room = batchEntriesMax - zeros.length;
        zeros.push(...runs.slice(0, room));
        const left = runs[room];
        if (left !== undefined) {
          next = { done: false, value: { block: left.block, count: block + count - left.block } };
          break;
        }
        next = parts.next();
      }
      return { data: [], zeros };
    });
  }
}

/** The file's entries of zeros, cut at the borders of regions. */
function* zeroParts(numbers: Uint32Array): Generator<ZeroRun, undefined> {
  for (const entry of entriesOf(numbers)) if (entry.kind === 'zeros') yield* partsByRegion(entry.block, entry.count);
  return undefined;
}

/** Where the layer says zeros now, within one region. */
function zeroRunsWithin({ index }: Layer, block: number, count: number): ZeroRun[] {
  const runs: { block: number; count: number }[] = [];
  for (let at = block; at < block + count; at += 1) {
    if (!index.isZero(at, 1)) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.block + last.count === at) last.count += 1;
    else runs.push({ block: at, count: 1 });
  }
  return runs;
}
