/** A volume that could be in the pool. */
export interface PoolCandidate {
  readonly volumeId: string;
  /** What its file takes, or will take, of the disk. */
  readonly bytes: number;
  /** Its file is there. */
  readonly isReady: boolean;
  /** Somebody reads it, or did a moment ago: its file stays. */
  readonly isHeld: boolean;
  readonly lastUsedAt: number;
}

export interface PoolPlan {
  /** Files that make room. */
  readonly evict: readonly string[];
  /** Volumes that there is room for, the most recently used first. */
  readonly hydrate: readonly string[];
}

/**
 * What the pool should hold: what is held in any case, and then the most recently used of the rest, as far as the limit
 * allows. A volume that is too large for what is left stands back for smaller ones.
 */
export function planPool(candidates: readonly PoolCandidate[], limitBytes: number): PoolPlan {
  const isFixed = ({ isReady, isHeld }: PoolCandidate): boolean => isReady && isHeld;
  let used = candidates.filter(isFixed).reduce((sum, { bytes }) => sum + bytes, 0);
  const evict: string[] = [];
  const hydrate: string[] = [];
  for (const candidate of candidates.toSorted((left, right) => right.lastUsedAt - left.lastUsedAt)) {
    if (isFixed(candidate)) continue;
    const { volumeId, bytes, isReady } = candidate;
    const fits = used + bytes <= limitBytes;
    if (fits) used += bytes;
    if (fits && !isReady) hydrate.push(volumeId);
    if (!fits && isReady) evict.push(volumeId);
  }
  return { evict, hydrate };
}
