import type { Table } from './table.ts';

/** What every benchmark works with. */
export interface BenchContext {
  /** How often each thing is measured. */
  readonly runs: number;
  /** Where large files may be, all of which are gone at the end; on the file system that is measured. */
  readonly workFolder: string;
  /** Where what is slow to make is kept from one run of the benchmarks to the next. */
  readonly cacheFolder: string;
  /** A disk file of the caller's own, in place of those that are made. */
  readonly image: string | undefined;
  /** File data in the disks that are made, in MB. */
  readonly dataMb: number;
  /** Says what is going on. */
  say(text: string): void;
}

/** One thing that is measured. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): Promise<Table[]>;
}
