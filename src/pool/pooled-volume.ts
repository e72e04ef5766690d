/** A volume that is to be kept ready, and for which images. */
export interface PooledVolume {
  readonly volumeId: string;
  /** 64 hexadecimal digits: what a file must have to be this volume's. */
  readonly contentId: string;
  readonly sizeBytes: number;
  /** Of its newest image: milliseconds since 1970. */
  readonly createdAt: number;
  readonly images: readonly PooledImage[];
}

export interface PooledImage {
  readonly id: string;
  /** '' for one without a name. */
  readonly name: string;
  readonly folderId: string;
}

/**
 * waiting: its turn comes, or it is tried again later. hydrating: its file is being written. ready: it is read from its
 * file. evicted: there is no room for it beside what was used more lately.
 */
export const pooledStates = ['waiting', 'hydrating', 'ready', 'evicted'] as const;
export type PooledState = (typeof pooledStates)[number];

/** How a volume is doing in the pool. */
export interface PoolEntryStatus {
  readonly volume: PooledVolume;
  readonly state: PooledState;
  /** What its file takes of the disk, as far as it is written. */
  readonly storedBytes: number;
  /** Reads from the file, and reads that had to go to the store, since the service started. */
  readonly hits: number;
  readonly misses: number;
  /** Milliseconds since 1970; undefined when nobody has read it yet. */
  readonly lastUsedAt: number | undefined;
  /** Why it is not ready, in words; '' when all is in order. */
  readonly problem: string;
}

export interface PoolStatus {
  readonly entries: readonly PoolEntryStatus[];
  /** What the pool may take of the disk now. */
  readonly limitBytes: number;
  readonly storedBytes: number;
}
