import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import type { DataRun, DiskMap } from '../formats/disk-map.ts';
import { planReads, type RunRead } from '../formats/plan-reads.ts';
import { leafBytes } from './guest-digest.ts';
import type { SpareMemory } from './spare-memory.ts';
import type { FetchedRead } from './store-tasks.ts';
import type { StoredDevice } from './stored-device.ts';

/** Guest bytes of a stripe as they come from outside, still encoded. Runs that are not here read as zeros. */
export interface GuestStripe {
  readonly offset: number;
  readonly length: number;
  /** Fetches the encoded bytes; empty for a stripe that is one hole. */
  fetch(memory: SpareMemory, options?: ReadOptions): Promise<FetchedRead[]>;
  /** Nothing is in it. */
  readonly isHole: boolean;
}

/** What a volume is written from: the guest bytes of a disk, stripe by stripe, in whatever way they are kept. */
export interface GuestReader {
  readonly sizeBytes: number;

  /** The stripes of a range of at most a segment, in order; they begin and end at multiples of `stripeBytes`. */
  stripes(offset: number, length: number, stripeBytes: number, options?: ReadOptions): Promise<GuestStripe[]>;

  /**
   * What the bytes were written over: what did not change of it need not be read, if the domain that is written to has all
   * of it. Of a volume of another domain the bytes are read after all.
   */
  readonly over?: KeptBase | undefined;
}

/** A volume under a guest, no larger than that. Whoever reads holds it until the new one is sealed. */
export interface KeptBase {
  readonly device: StoredDevice;
  /** Whether anything was written since to any of `count` segments from `first` on; some may be behind the guest's end. */
  isChanged(first: number, count: number): boolean;
}

/** Two pieces of the file with less than this between them are one read: a request costs more than 64 KiB. */
const maxGapBytes = 64 * 1024;

/** Unless that fetches more than this many times the bytes that are wanted; then only neighbours are one read. */
const maxWaste = 1.25;

/**
 * No stripe fetches more bytes of the file at a time. A stripe of 4 MiB whose encoded bytes are more (scattered tiny
 * clusters, each in sectors of its own) is fetched in smaller stripes.
 */
export const maxFetchBytes = 5 * 1024 * 1024;

/** Longer reads are split by the source anyway; a stripe's plain runs are no longer than the stripe. */
const maxReadBytes = 8 * 1024 * 1024;

/** The guest bytes of a virtual disk file. */
export function createFileGuestReader(source: ByteSource, map: DiskMap): GuestReader {
  return {
    sizeBytes: map.sizeBytes,
    async stripes(offset, length, stripeBytes, options) {
      const runs = (await map.runs(offset, length, options)).filter((run) => run.kind === 'data');
      const stripes: GuestStripe[] = [];
      let next = 0;
      for (let start = offset; start < offset + length; ) {
        const end = Math.min(offset + length, (Math.floor(start / stripeBytes) + 1) * stripeBytes);
        const within: DataRun[] = [];
        for (let run = runs[next]; run !== undefined && run.offset < end; run = runs[next]) {
          within.push(cutRun(run, start, end));
          if (run.offset + run.length > end) break; // the rest of it belongs to the next stripe
          next += 1;
        }
        stripes.push(...boundStripes(source, start, end, within));
        start = end;
      }
      return stripes;
    },
  };
}

/** One stripe, or as many as it takes for each to fetch little enough; digests want them whole leaves long. */
function boundStripes(source: ByteSource, start: number, end: number, runs: readonly DataRun[]): GuestStripe[] {
  if (end - start <= leafBytes || fetchBytes(planFrugally(runs)) <= maxFetchBytes) {
    return [createStripe(source, start, end - start, runs)];
  }
  const stripes: GuestStripe[] = [];
  for (let at = start; at < end; ) {
    const next = Math.min(end, (Math.floor(at / leafBytes) + 1) * leafBytes);
    const within = runs.filter((run) => run.offset < next && run.offset + run.length > at);
    const cut = within.map((run) => cutRun(run, at, next));
    stripes.push(createStripe(source, at, next - at, cut));
    at = next;
  }
  return stripes;
}

/** The reads of a stripe, merged over gaps as long as the gaps are worth it. */
function planFrugally(runs: readonly DataRun[]): RunRead[] {
  const merged = planReads(runs, { maxGapBytes, maxReadBytes });
  const wanted = runs.reduce((sum, run) => sum + run.fileLength, 0);
  if (fetchBytes(merged) <= wanted * maxWaste) return merged;
  return planReads(runs, { maxGapBytes: 0, maxReadBytes });
}

function fetchBytes(reads: readonly RunRead[]): number {
  return reads.reduce((sum, read) => sum + read.length, 0);
}

function createStripe(source: ByteSource, offset: number, length: number, runs: readonly DataRun[]): GuestStripe {
  return {
    offset,
    length,
    isHole: runs.length === 0,
    async fetch(memory, options) {
      const reads = planFrugally(runs);
      const bytes = memory.take(fetchBytes(reads));
      let place = 0;
      return Promise.all(
        reads.map(async ({ offset, length, runs }) => {
          const into = bytes.subarray(place, place + length);
          place += length;
          return { offset, bytes: await source.read(offset, length, { ...options, into }), runs };
        }),
      );
    },
  };
}

/** The part of a run within `[start, end)`. A compressed unit is then decoded once for each part. */
function cutRun(run: DataRun, start: number, end: number): DataRun {
  const from = Math.max(run.offset, start);
  const length = Math.min(run.offset + run.length, end) - from;
  if (length === run.length) return run;
  const skipped = from - run.offset;
  return run.codec === 'plain'
    ? { ...run, offset: from, length, fileOffset: run.fileOffset + skipped, fileLength: length, unitLength: length }
    : { ...run, offset: from, length, skip: run.skip + skipped };
}
