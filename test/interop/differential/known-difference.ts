import type { temporaryFolder } from '../../fixtures/qemu.ts';
import type { Comparison, Ours, Theirs } from './compare-with-qemu.ts';

export type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

/** A disagreement in which our reader gave bytes. */
export interface ReadByUs extends Comparison {
  readonly ours: Extract<Ours, { kind: 'read' }>;
}

/** A known disagreement with qemu-img, by the id that it has in expected-differences.yaml, which says the rest. */
export interface KnownDifference {
  /** The file, or what writes it: bytes, or the path of what was made in a folder. */
  make(folder: Folder): Uint8Array | Promise<string>;

  /** Asks qemu-img for its reading of the made file, where that is not a plain conversion. */
  readonly theirs?: (path: string) => Promise<Theirs>;

  /**
   * Whether a disagreement over any good image, or one that both read, is just this. Left out where no such image can
   * disagree in this way: what was made is damaged, or unsafe.
   */
  readonly recognises?: (comparison: ReadByUs) => boolean;

  /** What qemu-img makes of the file once this difference is set aside: others may be left. */
  readonly setAside?: (comparison: ReadByUs) => Promise<Theirs> | Theirs;
}

export type KnownDifferences = Readonly<Record<string, KnownDifference>>;
