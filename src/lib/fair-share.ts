/** Something that is held for a group, of what several groups share. */
export interface Held {
  /** Whom it is for: groups are treated alike, however much each of them asks for. */
  readonly group: string;
  /** When it was given, in milliseconds of any clock that does not go back. */
  readonly since: number;
  /** For how long it is the holder's whatever others wait for, as long as its group holds no more than they do. */
  readonly turnMs: number;
}

/** The group that is next, and how much it holds. */
export interface NextGroup {
  readonly group: string;
  readonly held: number;
}

/**
 * Whose hold is to end when nothing is left for the group that is next; undefined when nobody's is, or not yet.
 *
 * The group that holds most gives way. The newest of what it holds ends at once if it still has no less than the other then: the newest has
 * the least to lose, and every group keeps something to get on with. If all hold one and the next has nothing, the
 * oldest one ends when its turn is over: so nobody waits for ever, however many groups there are.
 */
export function whoGivesWay<T extends Held>(all: readonly T[], next: NextGroup, now: number): T | undefined {
  const ofOthers = all.filter(({ group }) => group !== next.group);
  const counts = Map.groupBy(ofOthers, ({ group }) => group);
  const most = Math.max(0, ...[...counts.values()].map(({ length }) => length));
  const candidates = [...counts.values()]
    .filter(({ length }) => length === most)
    .flat()
    .toSorted((a, b) => a.since - b.since);
  if (most >= next.held + 2) return candidates.at(-1);
  if (next.held > 0) return undefined;
  return candidates.find(({ since, turnMs }) => now - since >= turnMs);
}

/** How long a turn is for work that gave way so often before: twice as long each time, so that long steps get done too. */
export function lengthenTurn(turnMs: number, timesGivenWay: number): number {
  return turnMs * 2 ** Math.min(timesGivenWay, 5);
}
